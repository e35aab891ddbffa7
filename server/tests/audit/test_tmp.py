import time

from guilder_server.audit.domain.touching import touched
from guilder_server.audit.infra import log
from guilder_server.capabilities import PORTRAITS
from guilder_server.postgres import snapshots
from guilder_server.postgres.trail import blocks


def test_x(api, monkeypatch):
    got = []
    real = log.AuditLog.grant

    def grant(self, changes):
        got.append(changes)
        real(self, changes)

    monkeypatch.setattr(log.AuditLog, "grant", grant)
    c = api.post("/v1/customers", name="Ada")["id"]
    for n in range(3):
        api.post(
            "/v1/payment_intents",
            amount=2000 + n,
            currency="usd",
            confirm=True,
            payment_method="pm_card_visa",
            customer=c,
            key=f"k{n}abc",
            metadata={"order": "od_1234567", "sku": "a-77", "shop": "north"},
            return_url="https://example.com/x",
        )
    ch = got[-1]
    found = touched(PORTRAITS, ch)
    line = blocks.line(ch.cause, found)
    print(line.decode())
    print(len(line), len(snapshots.pack(line)))
    b = blocks.block("aud_" + "0" * 24, 5, [line])

    def t(f, n=3000):
        a = time.perf_counter()
        for _ in range(n):
            f()
        return (time.perf_counter() - a) / n * 1e6

    print("touched", t(lambda: touched(PORTRAITS, ch)))
    print("line", t(lambda: blocks.line(ch.cause, found)))
    print("terms", t(lambda: blocks.terms_of(ch.cause, [f.object for f in found])))
    print("block", t(lambda: blocks.block("aud_" + "0" * 24, 5, [line])))
    print("pack", t(lambda: snapshots.pack(line)))
