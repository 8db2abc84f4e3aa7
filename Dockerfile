# docker build -t bastide --build-arg VERSION=v1.2.3 --build-arg COMMIT="$(git rev-parse HEAD)" .
#
# With the version and commit of a release, the program is that of its archive.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY . .
ARG TARGETOS TARGETARCH VERSION COMMIT
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOAMD64=v1 GOARM64=v8.0 \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /out/bastide ./cmd/bastide
# A new volume takes its owner and mode from the directory in the image.
RUN mkdir -m 0700 /out/data

FROM scratch
# Proving a domain reads pages over HTTPS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /
COPY --from=build /out/bastide /
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV BASTIDE_DATA_DIR=/data BASTIDE_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=1m --start-interval=1s CMD ["/bastide", "status"]
ENTRYPOINT ["/bastide"]
CMD ["serve"]
