"""The demo's two utilities: what they are, how they are set up, and how their history is filled.

Nothing about it is special to READY: places, meters and keys are rows as any utility's, history
comes in by the pipeline's door, and live telegrams are pushed to the real endpoint.
"""
