"""The door of payment_methods: what other capabilities may use."""

from guilder_server.payment_methods.domain.payment_method import PaymentMethod, refuse_use
from guilder_server.payment_methods.flows import PaymentMethods
from guilder_server.payment_methods.views import view_payment_method

__all__ = ["PaymentMethod", "PaymentMethods", "refuse_use", "view_payment_method"]
