"""Chooses the engine that gets a request. Loads Ray.

Serve's own router draws two engines and believes for ten seconds what it last heard of them: a portrait takes longer,
and an engine that has nothing to do is passed over for one that was heard of lately.
"""

import random

from ray.serve.request_router import FIFOMixin, PendingRequest, RequestRouter, RunningReplica

_MOST_ASKED = 16  # engines that are asked, drawn at random; more are compared better, and asked longer
_ANSWER_S = 0.5  # s for their answers; longer waits for a machine that is dying, shorter passes over a busy one


class FewestFirst(FIFOMixin, RequestRouter):  # type: ignore[misc]
    """Asks the engines how many requests they have, before each request, and gives it to the one with the fewest.

    Serve sends this class as it is to whoever has requests for the engines, so it uses nothing else of ours.
    """

    queue_len_response_deadline_s = _ANSWER_S
    max_queue_len_response_deadline_s = 2 * _ANSWER_S

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Return the engines to be compared, as the first and last group to be tried."""
        asked = random.sample(candidate_replicas, min(_MOST_ASKED, len(candidate_replicas)))
        for replica in asked:
            self.replica_queue_len_cache.invalidate_key(replica.replica_id)
        return [asked]
