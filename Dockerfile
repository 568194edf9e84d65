# syntax=docker/dockerfile:1
# The bot on Telegram. Build for a CPU (as it is) or for NVIDIA GPUs:
#   docker build -t throwback .
#   docker build -t throwback --build-arg TORCH_INDEX=https://pypi.org/simple .
# With --build-arg EXTRAS=ray for many machines.

FROM python:3.12-slim AS build
# Where torch comes from: PyTorch's CPU builds, or those of PyPI, which bring CUDA along (several GB).
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/throwback
ENV PATH=/opt/throwback/bin:$PATH
WORKDIR /build
# The large and seldom changing first. torchvision has to match torch.
RUN pip install --index-url "$TORCH_INDEX" torch torchvision
COPY pyproject.toml PACKAGE.md LICENSE ./
# Names of extras of pyproject.toml, separated by spaces.
ARG EXTRAS=
RUN python -c "import sys, tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*project['dependencies'], *sum((project['optional-dependencies'][one] for one in sys.argv[1:]), []), sep='\n')" \
        $EXTRAS > dependencies.txt \
    && pip install -r dependencies.txt
COPY storage storage
COPY bot bot
COPY engine engine
RUN pip install --no-deps .

FROM python:3.12-slim
# tini passes signals on, and sees to children whose parent died.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home throwback \
    && install -d -o throwback -g throwback -m 0700 /data
COPY --from=build /opt/throwback /opt/throwback
ENV PATH=/opt/throwback/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    THROWBACK_HOME=/data \
    THROWBACK_METRICS_PORT=9100
USER throwback
WORKDIR /home/throwback
VOLUME /data
EXPOSE 9100
# 200 while Telegram answers, the engine lives and the database answers; the answer says which does not.
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['THROWBACK_METRICS_PORT'] + '/healthz', timeout=8)"]
ENTRYPOINT ["tini", "--"]
CMD ["throwback", "run"]
