"""The door of customers: what other capabilities may use."""

from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.flows import Customers, forget_default
from guilder_server.customers.views import view_customer

__all__ = ["Customer", "Customers", "forget_default", "view_customer"]
