# syntax=docker/dockerfile:1
# Builds for the target platform; for arm64: `docker buildx build --platform linux/arm64 .`
FROM rust:1.95-slim-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends musl-tools && rm -rf /var/lib/apt/lists/*
# Optional cargo features, for example `--build-arg FEATURES=otel`.
ARG FEATURES=""
# `--build-arg PGO=1` optimises by a profile (scripts/pgo): four builds instead of one.
ARG PGO=""
WORKDIR /src
COPY . .
# A static binary, which needs no libraries.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target="$(uname -m)-unknown-linux-musl" && \
    rustup target add "$target" && \
    if [ -n "$PGO" ]; then \
      rustup component add llvm-tools && \
      CARGO_BUILD_TARGET="$target" scripts/pgo --locked --features "$FEATURES" && \
      cp target/pgo/gemini-adapter /gemini-adapter; \
    else \
      cargo build --release --locked --target "$target" --features "$FEATURES" && \
      cp "target/$target/release/gemini-adapter" /gemini-adapter; \
    fi && mkdir /data

# Has no shell, package manager or libc; has CA certificates, time zones and an unprivileged user (65532).
FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.title="gemini-adapter" \
      org.opencontainers.image.description="Lets any OpenAI client use Google's Gemini" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /gemini-adapter /app/gemini-adapter
COPY config /app/config
COPY plugins /app/plugins
# Persistent state. A new volume that is mounted here takes over this owner.
COPY --from=build --chown=65532:65532 /data /app/data
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=5s CMD ["/app/gemini-adapter", "healthcheck"]
ENTRYPOINT ["/app/gemini-adapter"]
CMD ["serve"]
