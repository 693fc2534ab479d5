"""Checks that the image, the compose file and the Kubernetes manifests ($1, rendered) give the server no more privileges than it needs."""

import re
import sys

import yaml

ROOT = "65532"


def dockerfile():
    text = open("Dockerfile").read()
    stages = re.split(r"^FROM ", text, flags=re.M)
    last = stages[-1]
    assert "distroless" in last.splitlines()[0], "the last stage has a shell"
    assert re.search(rf"^USER {ROOT}:{ROOT}$", last, re.M), "the image runs as root"
    assert not re.search(r"^(RUN|ADD)\b", last, re.M), "the last stage runs or adds something"
    assert not re.search(r"(?i)(key|secret|token|password)=", text), "a secret in the image"


def compose():
    services = yaml.safe_load(open("docker-compose.yml"))["services"]
    for name, service in services.items():
        assert "no-new-privileges:true" in service.get("security_opt", []), f"{name} may gain privileges"
        assert not service.get("privileged") and "network_mode" not in service, f"{name} is privileged or shares a network"
    ours = [service for service in services.values() if service.get("image") == "gemini-adapter"]
    assert ours
    for service in ours:
        assert service.get("cap_drop") == ["ALL"] and service.get("read_only") is True
        assert service.get("pids_limit"), "no limit on processes"
        written = [volume for volume in service["volumes"] if isinstance(volume, str) and not volume.endswith(":ro")]
        assert written == ["data:/app/data"], written


def kubernetes(path):
    documents = [document for document in yaml.safe_load_all(open(path)) if document]
    deployments = [document for document in documents if document["kind"] == "Deployment"]
    assert deployments
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            assert not any("value" in variable for variable in container.get("env", [])), "an environment variable has its value in the manifest"


dockerfile()
compose()
kubernetes(sys.argv[1])
