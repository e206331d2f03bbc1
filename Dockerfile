# Builds gleaner and puts it, alone, into a small image that does not run as root.
# Settings: /etc/gleaner/production.toml and the environment. State: /var/lib/gleaner (secret.key).

FROM rust:1.95-bookworm AS build
WORKDIR /src
# The dependencies alone first: this layer is made again only when Cargo.lock changes, and it is nearly all of the time.
# (Tests and benches may be missing here because Cargo.toml gives their paths.)
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN mkdir -p src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
# What the program has compiled in (policy, schema, the sample of the demo), and the program.
COPY config config
COPY migrations migrations
COPY samples samples
COPY src src
# Cargo goes by the time of the files, and those copied may be older than the stand-ins built above.
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/gleaner --create-home --shell /usr/sbin/nologin gleaner
COPY --from=build /src/target/release/gleaner /usr/local/bin/gleaner
COPY config /etc/gleaner
COPY LICENSE-MIT LICENSE-APACHE NOTICE /usr/share/doc/gleaner/
USER gleaner
WORKDIR /var/lib/gleaner
VOLUME /var/lib/gleaner
EXPOSE 8080
# Ready means consuming and storing. There is no curl in the image, and bash can ask as well.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: Bearer %s\\r\\nConnection: close\\r\\n\\r\\n' \"$GLEANER__HTTP__TOKEN\" >&3 && read -r -t 4 _ status _ <&3 && [ \"$status\" = 200 ]"]
# Room for messages with headers nested thousands deep. Without it the program sets it and begins anew.
ENV RUST_MIN_STACK=268435456
ENTRYPOINT ["gleaner"]
CMD ["run"]
