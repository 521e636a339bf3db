"""Registers as columns of a table."""

from django.db import models


class RegisterColumns(models.Model):
    """The registers of `meters.registers` as columns, in base units; NULL where not told.

    Ordered as PostgreSQL packs them best: 8-byte columns, then 4-byte ones.
    """

    e1 = models.BigIntegerField(null=True)
    e2 = models.BigIntegerField(null=True)
    e3 = models.BigIntegerField(null=True)
    v1 = models.BigIntegerField(null=True)
    v2 = models.BigIntegerField(null=True)
    a_pos = models.BigIntegerField(null=True)
    a_neg = models.BigIntegerField(null=True)
    r_pos = models.BigIntegerField(null=True)
    r_neg = models.BigIntegerField(null=True)
    in_a = models.BigIntegerField(null=True)
    in_b = models.BigIntegerField(null=True)
    info = models.BigIntegerField(null=True)
    e8 = models.IntegerField(null=True)
    e9 = models.IntegerField(null=True)
    flow1 = models.IntegerField(null=True)
    flow2 = models.IntegerField(null=True)
    power1 = models.IntegerField(null=True)
    p_pos = models.IntegerField(null=True)
    p_neg = models.IntegerField(null=True)
    t1 = models.IntegerField(null=True)
    t2 = models.IntegerField(null=True)
    t3 = models.IntegerField(null=True)
    t4 = models.IntegerField(null=True)
    t_water = models.IntegerField(null=True)
    t_ambient = models.IntegerField(null=True)
    p1 = models.IntegerField(null=True)
    p2 = models.IntegerField(null=True)
    hours = models.IntegerField(null=True)
    # What no column holds exactly: {"CODE": [mantissa, exponent, "unit"]}.
    extra = models.JSONField(null=True)

    class Meta:
        abstract = True
