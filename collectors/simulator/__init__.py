"""A Danish district-heating town that does not exist, whose meters send truly encrypted telegrams.

    town = Town(seed=1, meters=50)                    # houses, customers, meters, keys
    radio = Radio(town, interval_s=16)
    for delivery in radio.deliveries(start_ms, end_ms):     # what reaches READY, and when
        body = body_of(delivery)                      # the native push format
    truth(observe(radio.telegrams(start_ms, end_ms)))       # what READY must have stored

Everything follows from the seed by hashing; nothing asks a clock. Registers are known at any
instant from 2024-01-01 on, in any order, in whole numbers: `SimulatedMeter.at`, and `hourly` for
history in bulk. Pure Python without Django; docs/reference/simulator.md tells the model.
"""

from collectors.simulator.clock import EPOCH, HOUR_S, hour_of, seconds, start_of
from collectors.simulator.kinds import KINDS, MeterKind
from collectors.simulator.meters import SENSOR_BROKEN, Fault, SimulatedMeter
from collectors.simulator.push import PushClient, PushRefused, body_of, item_of
from collectors.simulator.radio import Delivery, Heard, Radio
from collectors.simulator.town import AALUND, BIRKELSE, Place, Plan, Site, Town
from collectors.simulator.truth import Observation, observe, sums, target_truth, truth

__all__ = [
    "AALUND",
    "BIRKELSE",
    "EPOCH",
    "HOUR_S",
    "KINDS",
    "SENSOR_BROKEN",
    "Delivery",
    "Fault",
    "Heard",
    "MeterKind",
    "Observation",
    "Place",
    "Plan",
    "PushClient",
    "PushRefused",
    "Radio",
    "SimulatedMeter",
    "Site",
    "Town",
    "body_of",
    "hour_of",
    "item_of",
    "observe",
    "seconds",
    "start_of",
    "sums",
    "target_truth",
    "truth",
]
