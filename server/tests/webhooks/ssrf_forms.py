"""The ways in which a URL has been made to lead where it should not.

In a URL, `{port}` is a port of this machine at which somebody listens on every address.
"""

from __future__ import annotations

# Addresses of this machine, of networks nearby and of the clouds' metadata, in every spelling
# that some resolver or some parser takes for one. A host of IPv6 stands in brackets.
_HOSTS = """
127.0.0.1 127.0.0.2 127.127.127.127 127.255.255.254 127.0.1.1 127.0.0.0
2130706433 2130706434 017700000001 0017700000001 0o17700000001 0x7f000001 0X7F000001 0x7F.1
0x7f.0x0.0x0.0x1 0x7f.0.0.1 0x7f.0.1 127.0x0.0.1 127.0.0x1 0x0000007f000001
0177.0.0.1 0177.0.0.01 00177.0.0.1 0177.0x0.0.1 0177.1 0177.0.1 127.000.000.001 127.00.0.1
127.1 127.0.1 127.65537 127.0.0.01 127.0x1 127.0.0.0x1
0 0.0.0.0 0.0.0.1 00 0x0 0.0 000000000 0.0.0 4294967295 4294967296 6425673729
127.0.0.1. 127.1. 2130706433. 0x7f000001. 127.0.0.1.. 127..0.0.1 127.0.0.1.0
\u0661\u0662\u0667.0.0.1 \uff11\uff12\uff17.\uff10.\uff10.\uff11
\u2460\u2461\u2466.\u24ea.\u24ea.\u2460
127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1 127\uff610\uff610\uff611
\U0001d7cf\U0001d7d0\U0001d7d5.0.0.1 \uff10\uff58\uff17\uff46.1 \u00b9\u00b2\u2077.0.0.1
%31%32%37.0.0.1 127%2e0%2e0%2e1 127.0.0.1%00 127.0.0.1%00.example.com
[::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::0001] [0::1] [::0:1]
[::0.0.0.1] [::] [0:0:0:0:0:0:0:0] [::1%lo] [::1%25lo] [::1%251] [fe80::1%eth0] [fe80::1%25eth0]
[fe80::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1]
[::ffff:127.1] [::ffff:0177.0.0.1] [::ffff:0:127.0.0.1] [::127.0.0.1] [::7f00:1] [::ffff:10.0.0.1]
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1]
[64:ff9b::169.254.169.254] [64:ff9b:1::127.0.0.1] [64:ff9b:1:abcd::7f00:1] [2002:7f00:1::]
[2002:7f00:0001::1] [2002:a9fe:a9fe::] [2002:0a00:0001::1] [2001:0:0:0:0:0:80ff:fffe]
[2001:0000:4136:e378:8000:63bf:80ff:fffe] [fec0::1] [fc00::1] [fd00::1] [fd00::2] [ff02::1]
[2606:4700::5efe:127.0.0.1] [2606:4700::200:5efe:10.0.0.1] [5f00::1] [100::1] [3fff::1]
[2001:db8::1] [::1 [::1]] [[::1]] ::1 [127.0.0.1] [localhost] [::1]. [::1].example.com
[v1.127.0.0.1] [::\uff11]
10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 192.168.1.254 100.64.0.1
198.18.0.1 192.0.2.1 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
167772161 0x0a000001 012.0.0.1 10.1 192.168.257 3232235521 0xc0a80001
169.254.169.254 2852039166 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 169.254.43518
169.16689662 025177524776 169.254.169.254. [fd00:ec2::254] [fd00:0ec2::0254] [fd20:ce::254]
100.100.100.200 1684301000 168.63.129.16 192.0.0.192 169.254.170.2 169.254.169.123
localhost LOCALHOST localhost. LocalHost. app.localhost localhost.localdomain \u24c1ocalhost
\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54 loc\u00adalhost localhos\u017f\u200dt
metadata metadata.google.internal metadata.google.internal. printer.local db.internal
kubernetes.default.svc kubernetes.default.svc.cluster.local router.home.arpa nas.lan
ip6-localhost intranet
"""
HOSTS = _HOSTS.split()

# Whole URLs that are read one way by one parser and another way by the next.
URLS = [
    "http://127.0.0.1:{port}/",
    "HTTPS://127.0.0.1:{port}/",
    "https://user@127.0.0.1:{port}/",
    "https://user:secret@127.0.0.1:{port}/",
    "https://shop.example.com@127.0.0.1:{port}/",
    "https://shop.example.com:443@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}@shop.example.com/",
    "https://shop.example.com%40127.0.0.1:{port}/",
    "https://@127.0.0.1:{port}/",
    "https://a@b@127.0.0.1:{port}/",
    "https://[::1]@127.0.0.1:{port}/",
    "https://shop.example.com\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@shop.example.com/",
    "https://127.0.0.1:{port}\\.shop.example.com/",
    "https:\\\\127.0.0.1:{port}\\",
    "https:/\\127.0.0.1:{port}/",
    "\\\\127.0.0.1:{port}\\share",
    "https://shop.example.com#@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#.shop.example.com/",
    "https://127.0.0.1:{port}#@shop.example.com/",
    "https://127.0.0.1:{port}?@shop.example.com/",
    "https://127.0.0.1:{port}?.shop.example.com/",
    "https://127.0.0.1:{port};shop.example.com/",
    "https://127.0.0.1:{port}&@shop.example.com/",
    "https://127.0.0.1:{port},shop.example.com/",
    "https://127.0.0.1 shop.example.com:{port}/",
    "https://127.0.0.1:{port} /",
    " https://127.0.0.1:{port}/",
    "\x00https://127.0.0.1:{port}/",
    "https://127.0.0.1\t:{port}/",
    "https://127.0.0.1:{port}\r\n/",
    "ht\ntps://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/\r\nHost: shop.example.com",
    "https://127.0.0.1:{port}/ HTTP/1.1\r\n\r\nGET /",
    "https://127.0.0.1:+{port}/",
    "https://127.0.0.1:{port}:443/",
    "https://127.0.0.1:0{port}/",
    "https:127.0.0.1:{port}/",
    "https:/127.0.0.1:{port}/",
    "https:///127.0.0.1:{port}/",
    "https:////127.0.0.1:{port}/",
    "https://:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/",
    "ldap://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "unix://127.0.0.1:{port}/",
    "tcp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "data:text/plain,127.0.0.1",
    "javascript:127.0.0.1",
    "url:https://127.0.0.1:{port}/",
    "https+unix://127.0.0.1:{port}/",
]

# What a name resolves to, each time that it is asked for.
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111"]
NAMES: dict[str, list[list[str]]] = {
    "this-machine.example.com": [["127.0.0.1"]],
    "this-machine-too.example.com": [["127.8.8.8"]],
    "this-machine-6.example.com": [["::1"]],
    "all.example.com": [["0.0.0.0"]],
    "all-6.example.com": [["::"]],
    "private-10.example.com": [["10.0.0.1"]],
    "private-172.example.com": [["172.16.0.1"]],
    "private-192.example.com": [["192.168.0.1"]],
    "private-6.example.com": [["fd00::2"]],
    "carrier.example.com": [["100.64.0.1"]],
    "metadata.example.com": [["169.254.169.254"]],
    "metadata-6.example.com": [["fd00:ec2::254"]],
    "metadata-alibaba.example.com": [["100.100.100.200"]],
    "metadata-azure.example.com": [["168.63.129.16"]],
    "mapped.example.com": [["::ffff:127.0.0.1"]],
    "compatible.example.com": [["::127.0.0.1"]],
    "nat64.example.com": [["64:ff9b::7f00:1"]],
    "nat64-local.example.com": [["64:ff9b:1::7f00:1"]],
    "6to4.example.com": [["2002:7f00:1::"]],
    "teredo.example.com": [["2001:0:4136:e378:8000:63bf:80ff:fffe"]],
    "isatap.example.com": [["2606:4700::5efe:7f00:1"]],
    "link.example.com": [["fe80::1%lo"]],
    "zone.example.com": [["::1%lo"]],
    "multicast.example.com": [["224.0.0.1"]],
    "broadcast.example.com": [["255.255.255.255"]],
    "site-local.example.com": [["fec0::1"]],
    "127.0.0.1.example.com": [["127.0.0.1"]],
    "7f000001.example.com": [["127.0.0.1"]],
    "public-then-private.example.com": [["8.8.8.8", "127.0.0.1"]],
    "private-then-public.example.com": [["127.0.0.1", "8.8.8.8"]],
    "public-and-private-6.example.com": [["2606:4700:4700::1111", "::1"]],
    "public-4-private-6.example.com": [["8.8.8.8", "::1"]],
    "many-then-private.example.com": [[*(f"8.8.8.{last}" for last in range(40)), "127.0.0.1"]],
    "short.example.com": [["127.1"]],
    "hexadecimal.example.com": [["0x7f000001"]],
    "octal.example.com": [["0177.0.0.1"]],
    "decimal.example.com": [["2130706433"]],
    "a-name-again.example.com": [["localhost"]],
    "nothing.example.com": [[""]],
}
# At the first look they are public.
CHANGING: dict[str, list[list[str]]] = {
    "turns-private.example.com": [PUBLIC, ["127.0.0.1"]],
    "turns-private-6.example.com": [PUBLIC, ["::1"]],
    "turns-metadata.example.com": [PUBLIC, ["169.254.169.254"]],
    "turns-mixed.example.com": [PUBLIC, ["8.8.8.8", "127.0.0.1"]],
    "appears-private.example.com": [[], ["127.0.0.1"]],
}

URL_FORMS = [f"https://{host}:{{port}}/hook" for host in HOSTS] + URLS
NAME_FORMS = [f"https://{name}:{{port}}/hook" for name in NAMES]
CHANGING_FORMS = [f"https://{name}:{{port}}/hook" for name in CHANGING]
