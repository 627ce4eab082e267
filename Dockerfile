# Both images can be swapped, for example where only an inner registry is reachable. What they are otherwise stands in
# stages of their own, since Dependabot reads and bumps no image but that of a FROM without arguments. A stage that is not
# used is not pulled.
ARG BUILD_IMAGE=default-build
ARG BASE_IMAGE=default-base

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS default-build
FROM gcr.io/distroless/static-debian12:nonroot AS default-base

# The build runs on the builder's own platform and cross-compiles: no emulation.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY Makefile LICENSE ./
COPY cmd cmd
COPY pkg pkg
# What the Makefile would ask git for; the repository itself is not in the build's context.
ARG VERSION=v0.0.0-unknown
ARG COMMIT=unknown
ARG COMMIT_DATE=1970-01-01T00:00:00Z
ARG TREE_STATE=clean
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build && \
    # The same source makes the same image, with --output=type=image,rewrite-timestamp=true down to the folders.
    touch --date="$COMMIT_DATE" .bin/multi-eni-controller LICENSE

FROM ${BASE_IMAGE}
ARG VERSION=v0.0.0-unknown
ARG COMMIT=unknown
ARG COMMIT_DATE=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="AWS Multi-ENI Controller" \
      org.opencontainers.image.description="Attaches Elastic Network Interfaces to Kubernetes nodes" \
      org.opencontainers.image.source="https://github.com/multi-eni/aws-multi-eni-controller" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT \
      org.opencontainers.image.created=$COMMIT_DATE
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /src/.bin/multi-eni-controller /multi-eni-controller
# By number, so that the kubelet can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/multi-eni-controller"]
