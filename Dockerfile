# The image: one virtual environment on a slim Python, no compiler, no shell needed, not root.
#
#   docker run --read-only --cap-drop ALL -p 8080:8080 -v "$PWD/my-config:/etc/penstock:ro" penstock:dev

FROM python:3.11-slim AS builder
RUN python -m venv /opt/penstock
WORKDIR /src
COPY pyproject.toml MANIFEST.in README.md LICENSE ./
COPY config ./config
COPY proxy ./proxy
RUN /opt/penstock/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Penstock" \
      org.opencontainers.image.description="A Gateway API reverse proxy that explains every decision" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /opt/penstock /opt/penstock

# Nothing is written at run time, so the root may be read-only. The admin address stays on loopback;
# what probes and Prometheus need by pod IP is served on its own port.
ENV PATH=/opt/penstock/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PENSTOCK_METRICS=0.0.0.0:9901

USER 65532:65532
WORKDIR /etc/penstock
EXPOSE 8080 9901
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["penstock", "healthcheck", "--admin", "127.0.0.1:9900"]
ENTRYPOINT ["penstock"]
CMD ["run", "/etc/penstock"]
