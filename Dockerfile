# assayd alone, as a user without rights, on a system without compiler or shell additions. `./dev image` builds it.
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN ./dev build && strip build/release/bin/assayd

FROM debian:12-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libgrpc++1.51 libprotobuf32 libssl3 libsqlite3-0 libyaml-cpp0.7 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 65532 --home-dir /var/lib/assay --create-home --shell /usr/sbin/nologin assay
COPY --from=build /src/build/release/bin/assayd /usr/bin/assayd
COPY --from=build /src/policies /usr/share/assay/policies
COPY --from=build /src/LICENSE /usr/share/doc/assay/copyright
USER 65532:65532
VOLUME /var/lib/assay
ENTRYPOINT ["/usr/bin/assayd"]
CMD ["run", "--config", "/etc/assay/config.yaml"]
