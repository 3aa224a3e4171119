# The image that pulls and verifies the model in every pod: deployer with the three clouds' SDKs.
# Build it as deployer:VERSION, or name yours in service.image.
FROM python:3.11-slim
COPY pyproject.toml README.md LICENSE /src/
COPY deployer /src/deployer
COPY manifests /src/manifests
RUN pip install --no-cache-dir "/src[aws,gcp,azure]" && rm -rf /src \
 && useradd --uid 1000 --no-create-home --home-dir /tmp deployer
USER 1000:1000
ENTRYPOINT ["deployer"]
