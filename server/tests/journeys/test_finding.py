"""Lists, search, expansion and metadata through the official Python client."""

from __future__ import annotations

import stripe

from tests.support.official import Shop
from tests.support.processes import eventually


def test_every_page_is_walked_in_both_directions(shop: Shop) -> None:
    client = shop.stripe.v1.customers
    made = [client.create({"name": f"Number {n}"}).id for n in range(35)]
    newest_first = [each.id for each in client.list({"limit": 10}).auto_paging_iter()]
    assert newest_first == made[::-1]
    # Backwards the client reverses each page that it is sent.
    back = client.list({"limit": 10, "ending_before": made[0]}).auto_paging_iter()
    assert [each.id for each in back] == made[1:]
    middle = client.list({"limit": 3, "starting_after": made[20]})
    assert [each.id for each in middle.data] == [made[19], made[18], made[17]]
    assert middle.has_more
    assert middle.url == "/v1/customers"
    assert not client.list({"limit": 35}).has_more
    assert len(client.list().data) == 10


def test_lists_are_narrowed(shop: Shop) -> None:
    client = shop.stripe.v1
    ada, grace = (client.customers.create({"name": name}) for name in ("Ada", "Grace"))
    first = shop.pay(customer=ada.id)
    second = shop.pay(customer=grace.id)
    assert [e.id for e in client.payment_intents.list({"customer": ada.id}).data] == [first.id]
    assert [e.customer for e in client.charges.list({"customer": grace.id}).data] == [grace.id]
    (charge,) = client.charges.list({"payment_intent": second.id}).data
    assert charge.id == second.latest_charge
    later = client.payment_intents.list({"created": {"gt": second.created + 5}})
    assert later.data == []
    since = client.payment_intents.list({"created": {"gte": first.created}})
    assert len(since.data) == 2


def test_what_was_paid_is_found_again(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({"email": "ada@example.com", "metadata": {"tier": "gold"}})
    paid = shop.pay(4321, customer=customer.id, metadata={"order": "seven"})
    held = shop.hold(1234, metadata={"order": "eight"})

    def found(query: str) -> list[str]:
        return [each.id for each in client.payment_intents.search({"query": query}).data]

    assert eventually(lambda: found("metadata['order']:'seven'") == [paid.id])
    assert found("status:'requires_capture'") == [held.id]
    assert found("amount>1000 AND amount<2000") == [held.id]
    assert found(f"customer:'{customer.id}' AND status:'succeeded'") == [paid.id]
    assert set(found("status:'succeeded' OR status:'requires_capture'")) == {paid.id, held.id}
    assert found("-status:'succeeded'") == [held.id]
    by_email = client.customers.search({"query": "email:'ada@example.com'"})
    assert [each.id for each in by_email.data] == [customer.id]
    pages = client.payment_intents.search({"query": "currency:'usd'", "limit": 1})
    assert [each.id for each in pages.auto_paging_iter()] == [held.id, paid.id]
    charges = client.charges.search({"query": "payment_method_details.card.last4:'4242'"})
    assert {each.payment_intent for each in charges.data} == {paid.id, held.id}


def test_four_levels_are_expanded(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({"name": "Ada"})
    intent = shop.pay(customer=customer.id)
    refund = client.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 100,
            "expand": ["charge.payment_intent.customer", "balance_transaction.source.charge"],
        }
    )
    assert isinstance(refund.charge, stripe.Charge)
    assert isinstance(refund.charge.payment_intent, stripe.PaymentIntent)
    assert isinstance(refund.charge.payment_intent.customer, stripe.Customer)
    assert refund.charge.payment_intent.customer.name == "Ada"
    assert refund.charge.amount_refunded == 100
    assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(refund.balance_transaction.source, stripe.Refund)
    assert isinstance(refund.balance_transaction.source.charge, stripe.Charge)

    deep = client.payment_intents.list(
        {"expand": ["data.latest_charge.balance_transaction.source"], "limit": 1}
    ).data[0]
    assert isinstance(deep.latest_charge, stripe.Charge)
    assert isinstance(deep.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(deep.latest_charge.balance_transaction.source, stripe.Charge)
    assert deep.latest_charge.balance_transaction.source.id == deep.latest_charge.id


def test_metadata_is_merged_and_unset(shop: Shop) -> None:
    client = shop.stripe.v1.customers
    customer = client.create({"name": "Ada", "phone": "1", "metadata": {"a": "1", "b": "2"}})

    def update(**params: object) -> stripe.Customer:
        return client.update(customer.id, params)  # type: ignore[arg-type]

    assert update(metadata={"b": "3", "c": "4"}).metadata.to_dict() == {
        "a": "1",
        "b": "3",
        "c": "4",
    }
    assert update(metadata={"a": ""}).metadata.to_dict() == {"b": "3", "c": "4"}
    assert update(phone="").phone is None
    assert update(metadata="").metadata.to_dict() == {}
    assert client.retrieve(customer.id).name == "Ada"


def test_a_deleted_customer_leaves_a_tombstone(shop: Shop) -> None:
    client = shop.stripe.v1
    customer = client.customers.create({"name": "Ada"})
    paid = shop.pay(customer=customer.id)
    gone = client.customers.delete(customer.id)
    assert (gone.id, gone.deleted) == (customer.id, True)
    assert getattr(client.customers.retrieve(customer.id), "deleted", False)
    assert client.customers.list().data == []
    kept = client.payment_intents.retrieve(paid.id, {"expand": ["customer"]})
    assert getattr(kept.customer, "deleted", False)
