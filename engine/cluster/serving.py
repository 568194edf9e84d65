"""The engines as an application of Ray Serve: started where there is none, joined where there is. Loads Ray."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import ray
from ray import serve
from ray._common.network_utils import build_address
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.serve._private import replica as serve_replica
from ray.serve.config import AutoscalingConfig, RequestRouterConfig
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import ApplicationStatus, LoggingConfig, ReplicaState

from engine.cluster.gateway import NotBegun, ReplicaDied
from engine.cluster.network_distribution import Networks
from engine.cluster.ray_session import check_reachable
from engine.cluster.release import RELEASE, mismatch
from engine.cluster.replica import EngineReplica
from engine.cluster.routing import FewestFirst
from engine.errors import EngineFault, OperatorError
from engine.process.client import PORTRAITS
from engine.settings import ClusterSettings, EngineSettings, from_environment

APPLICATION = "throwback"

_REPLICAS = (1, 8)
_GPU_CORES = 4  # beside a GPU, for films and photos; more wait for each other
_GROW_AFTER_S = 5.0  # s of a crowd before another engine is started; it takes longer to load than that
_SHRINK_AFTER_S = 30.0  # s without one before an engine ends
_LOOK_BACK_S = 12.0  # s whose mean counts as a crowd; Serve wants more than the 10 s between its measurements
_STATUS_S = 30.0  # s for the cluster to say what runs; a busy one is slow, one without a head says nothing
_HEALTH_S = 10.0  # s between two looks at a replica's health
_DRAIN_S = 120.0  # s that a replica which is to end has for the portraits it has begun
_PRESENT = (ApplicationStatus.RUNNING, ApplicationStatus.DEPLOYING, ApplicationStatus.UNHEALTHY)

logger = logging.getLogger(__name__)
logging.getLogger("ray.serve").setLevel(logging.ERROR)  # Serve has set it to INFO


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What each engine computes with, and how many there are."""

    device: str
    network: str
    compiled: bool
    cores: int
    gpus: float
    least: int
    most: int


def options_of(settings: EngineSettings) -> EngineOptions:
    """The options that `settings` ask for, on the cluster that this process is connected to."""
    cluster = settings.cluster or ClusterSettings()
    there = ray.cluster_resources() if ray.is_initialized() else {}
    gpus = cluster.gpus
    if gpus is None:
        gpus = 1.0 if settings.device != "cpu" and there.get("GPU", 0) else 0.0
    cores = settings.cores or (max(1, min(_GPU_CORES, int(there.get("CPU", 1) / there["GPU"]))) if gpus else 1)
    least, most = cluster.replicas or _REPLICAS
    device = "cuda" if gpus and settings.device == "auto" else settings.device
    return EngineOptions(device, settings.network, settings.compiled, cores, gpus, least, most)


def application(options: EngineOptions, module: str | None = None) -> serve.Application:
    """The application with these options. Its replicas run `module` instead of the real engine."""
    deployment = serve.deployment(
        ServedReplica,
        user_config=asdict(options),
        # As many as come: how many portraits come, the gateway decides, and what is short never waits.
        max_ongoing_requests=10_000,
        ray_actor_options={"num_cpus": options.cores, "num_gpus": options.gpus},
        autoscaling_config=AutoscalingConfig(
            min_replicas=options.least,
            max_replicas=options.most,
            target_ongoing_requests=PORTRAITS,
            upscale_delay_s=_GROW_AFTER_S,
            downscale_delay_s=_SHRINK_AFTER_S,
            look_back_period_s=_LOOK_BACK_S,
        ),
        health_check_period_s=_HEALTH_S,
        graceful_shutdown_timeout_s=_DRAIN_S,
        request_router_config=RequestRouterConfig(request_router_class=FewestFirst),
        logging_config=LoggingConfig(log_level="WARNING", enable_access_log=False),
    )
    return deployment.bind(module)


def build(args: dict[str, str]) -> serve.Application:
    """The application for a cluster that starts it itself (`serve run engine.cluster.serving:build`, KubeRay).

    `args` are THROWBACK_ variables; those of the machine count too.
    """
    return application(options_of(from_environment({"THROWBACK_ENGINE": "ray"} | dict(os.environ) | args)))


class ServedReplica(EngineReplica):
    """A replica that is reached at its node's address alone."""

    def __init__(self, module: str | None = None) -> None:
        super().__init__(module)
        # Serve opens a port for calls between deployments on all addresses of the machine, and has no setting for it.
        own, listen = build_address(ray.util.get_node_ip_address(), 0), serve_replica.add_port_to_grpc_server
        serve_replica.add_port_to_grpc_server = lambda server, _: listen(server, own)
        self._networks = Networks()

    async def home(self) -> Path:
        """The networks that the bot has published, or what the machine has."""
        return await self._networks.home() or await super().home()


async def join(settings: EngineSettings, module: str | None = None) -> "ServedEngines":
    """Join the engines on the cluster that this process is connected to; start them if there are none.

    Those that run are restarted where `settings` explicitly ask for other options. Raises `OperatorError` when they
    are of another release, or do not start, and `NotBegun` when the one that was asked is gone.
    """
    options = await asyncio.to_thread(options_of, settings)
    await asyncio.to_thread(serve.start, proxy_location="Disabled")  # nobody asks over HTTP
    status = await asyncio.to_thread(serve.status)
    here = status.applications.get(APPLICATION)
    if here is None or here.status not in _PRESENT:
        return ServedEngines(await _start(options, module), options.most)
    handle = await asyncio.to_thread(serve.get_app_handle, APPLICATION)
    try:
        greeting = await handle.options(method_name="greet").remote()
    except (RayActorError, RayServeException) as error:  # it died with its node, which Serve has not noticed yet
        raise NotBegun(type(error).__name__) from None
    if greeting["release"] != RELEASE:
        raise OperatorError(mismatch(greeting["release"], RELEASE))
    if _asks_for_others(settings, EngineOptions(**greeting["options"]), options):
        return ServedEngines(await _start(options, module), options.most)
    return ServedEngines(handle, greeting["options"]["most"])


def _asks_for_others(settings: EngineSettings, there: EngineOptions, wanted: EngineOptions) -> bool:
    """Whether anything that was set explicitly differs from what runs."""
    cluster = settings.cluster or ClusterSettings()
    return (
        (cluster.replicas is not None and cluster.replicas != (there.least, there.most))
        or (cluster.gpus is not None and cluster.gpus != there.gpus)
        or (settings.cores is not None and settings.cores != there.cores)
        or (settings.device not in {"auto", there.device})
        or (settings.network, settings.compiled) != (there.network, there.compiled)
    )


async def _start(options: EngineOptions, module: str | None) -> DeploymentHandle:
    logger.info("starting engines on the cluster: %s", options)
    try:
        return await asyncio.to_thread(serve.run, application(options, module), name=APPLICATION, route_prefix=None)
    except RuntimeError:  # its text quotes logs of the cluster
        raise OperatorError(
            "the engines on the cluster do not start: Ray's logs on its machines say why; "
            "every machine needs the same Python and throwback[ray]"
        ) from None


class ServedEngines:
    """The engines of the application (`engine.cluster.gateway.Engines`)."""

    def __init__(self, handle: DeploymentHandle, most: int) -> None:
        self.most = most
        self._work = handle.options(method_name="work", stream=True)
        self._handle = handle
        self._assigning = asyncio.Lock()
        self._head = ray.get_runtime_context().gcs_address

    async def running(self) -> int:
        """How many engines run now. Raises `NotBegun` when the cluster cannot be asked."""
        try:
            await asyncio.to_thread(check_reachable, self._head)  # Ray itself hopes for a minute that it comes back
            status = await asyncio.wait_for(asyncio.to_thread(serve.status), _STATUS_S)
        except (OSError, TimeoutError, RayError, RayServeException) as error:
            raise NotBegun(type(error).__name__) from None
        deployments = (
            status.applications[APPLICATION].deployments.values() if APPLICATION in status.applications else ()
        )
        return sum(one.replica_states.get(ReplicaState.RUNNING, 0) for one in deployments)

    async def work(self, frame: bytes, in_turn: bool) -> AsyncIterator[bytes]:
        """Let one engine answer the request in `frame` (`Engines.work`)."""
        begun = False
        async with AsyncExitStack() as turn:
            if in_turn:
                await turn.enter_async_context(self._assigning)
            response = self._work.remote(RELEASE, frame)
            try:
                async for part in response:
                    begun = True
                    await turn.aclose()
                    if isinstance(part, str):
                        raise OperatorError(part)
                    if part:
                        yield part
            except RayTaskError as error:
                raise _fault_of(error) from None
            except RayActorError as error:
                raise (ReplicaDied if begun else NotBegun)(type(error).__name__) from None
            except (RayError, RayServeException) as error:
                raise NotBegun(type(error).__name__) from None
            finally:
                response.cancel()  # nothing happens when it is through

    async def forget_everywhere(self, frame: bytes) -> list[bytes]:
        """Let each engine answer the `Forget` in `frame` (`Engines.forget_everywhere`)."""
        try:
            answers = await self._handle.broadcast("forget", RELEASE, frame).results_async(return_exceptions=True)
        except (RayError, RayServeException) as error:
            raise NotBegun(type(error).__name__) from None
        for answer in answers:
            if isinstance(answer, str):
                raise OperatorError(answer)
            if isinstance(answer, RayTaskError):
                raise _fault_of(answer)
        return [answer for answer in answers if isinstance(answer, bytes)]  # who died has nothing left to forget


def _fault_of(error: RayTaskError) -> EngineFault:
    return EngineFault(type(error.cause).__name__)
