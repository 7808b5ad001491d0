# assayd and assay, as a user without rights, on a system without compilers. `./dev image` builds it, and attests against it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY . .
RUN ./dev build assayd assay && strip build/release/bin/assayd build/release/bin/assay

FROM ${BASE}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates libgrpc++1.51 libprotobuf32 libssl3 libtss2-mu0 libtss2-esys-3.0.2-0 libtss2-rc0 libtss2-tctildr0 libtss2-tcti-device0 libsqlite3-0 libyaml-cpp0.7 libprometheus-cpp-core1.0 libcpp-httplib0.11 libcurl4 zlib1g \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
    && install -d -o 65532 -g 65532 -m 0700 /var/lib/assay && install -d -m 0755 /etc/assay
COPY --from=build /src/build/release/bin/assayd /src/build/release/bin/assay /usr/bin/
COPY --from=build /src/policies /usr/share/assay/policies
COPY --from=build /src/LICENSE /usr/share/doc/assay/copyright
USER 65532:65532
WORKDIR /var/lib/assay
VOLUME /var/lib/assay
EXPOSE 7443 7444 8443 9464
ENTRYPOINT ["/usr/bin/assayd"]
CMD ["run", "--config", "/etc/assay/assayd.yaml"]
