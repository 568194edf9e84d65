"""Errors of the engine as they cross the wire, and back."""

from engine.errors import EngineError, EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason
from engine.messages import Failure, FailureKind


def failure_of(request_id: str, error: EngineError) -> Failure:
    """The answer that tells of `error`."""
    match error:
        case PhotoError():
            return Failure(request_id, FailureKind.PHOTO, error.reason.value, error.which)
        case EngineStopped():
            return Failure(request_id, FailureKind.CANCELLED, str(error))
        case OperatorError():
            return Failure(request_id, FailureKind.OPERATOR, error.sentence)
        case _:
            return Failure(request_id, FailureKind.FAULT, str(error))


def error_of(failure: Failure) -> EngineError:
    """The error that `failure` tells of."""
    match failure.kind:
        case FailureKind.PHOTO if failure.reason in set(PhotoReason):
            return PhotoError(PhotoReason(failure.reason), failure.which)
        case FailureKind.CANCELLED:
            return EngineStopped(failure.reason)
        case FailureKind.OPERATOR:
            return OperatorError(failure.reason)
        case _:
            return EngineFault(failure.reason)
