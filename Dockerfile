# syntax=docker/dockerfile:1
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_CONSTRAINT=/src/constraints.txt
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY client ./client
COPY server ./server
COPY migrations ./migrations
# Installs the wheel as a file, so that no package of the same name comes from an index. The
# environment has no pip, because nothing is installed later.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/ecrkeeper \
    && pip --python /opt/ecrkeeper/bin/python install --no-cache-dir "$(echo /wheels/*.whl)[server,sim,otel]"

FROM python:${PYTHON}
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="ecrkeeper" \
      org.opencontainers.image.description="Keeps Amazon ECR's service-linked roles and registry settings as declared" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN python -m pip uninstall --yes pip setuptools wheel \
    && install -d -o 65532 -g 65532 -m 0700 /var/lib/ecrkeeper
COPY --from=build /opt/ecrkeeper /opt/ecrkeeper
ENV PATH=/opt/ecrkeeper/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ECRKEEPER_DATABASE_URL=sqlite:////var/lib/ecrkeeper/ecrkeeper.db \
    ECRKEEPER_LISTEN=0.0.0.0:50051 \
    ECRKEEPER_METRICS_LISTEN=0.0.0.0:9464
# By number, so that Kubernetes can verify that it is not root.
USER 65532:65532
WORKDIR /var/lib/ecrkeeper
VOLUME /var/lib/ecrkeeper
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/readyz', timeout=2)"]
ENTRYPOINT ["ecrkeeper-server"]
CMD ["serve"]
