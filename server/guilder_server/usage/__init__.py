"""The door of usage: plans, for whoever limits by them, and what is counted against them."""

from guilder_server.usage.domain.meters import METERS, Meter
from guilder_server.usage.domain.plans import Plan, Plans, PlansBroken
from guilder_server.usage.files import plans_in

__all__ = ["METERS", "Meter", "Plan", "Plans", "PlansBroken", "plans_in"]
