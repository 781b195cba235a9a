# SPDX-License-Identifier: Apache-2.0
"""PKCS #12 files that neither openssl nor keytool would write, and files that are none. Part of stores.py."""

import der


def make(m, password):
    key, other = m.pkcs8("leaf", password), m.pkcs8("other", password)
    leaf_cert, other_cert = m.der_of("leaf"), m.der_of("other")
    chain = der.cert_bag(m.der_of("intermediate"), name="ca") + der.cert_bag(m.der_of("root"))

    def mac(content):
        return der.mac_data(content, der.bmp(password))

    def write(name, *bags, mac=mac, wrap=lambda x: x):
        m.write(name, wrap(der.pfx([der.data(der.seq(*bags))], mac)))

    named = der.bag(2, key, name="client", key_id=b"1")
    write("two-keys.p12", named, der.bag(2, other, name="Second", key_id=b"2"), der.cert_bag(leaf_cert, key_id=b"1"),
          der.cert_bag(other_cert, key_id=b"2"), chain)
    write("two-unnamed.p12", der.bag(2, key), der.bag(2, other), der.cert_bag(leaf_cert), der.cert_bag(other_cert), chain)
    write("crossed.p12", der.bag(2, key, name="client", key_id=b"2"), der.cert_bag(leaf_cert, key_id=b"1"),
          der.cert_bag(other_cert, key_id=b"2"), chain)
    write("duplicate.p12", named, der.bag(2, other, name="client"), der.cert_bag(leaf_cert), der.cert_bag(other_cert))
    write("folded.p12", named, der.bag(2, other, name="CLIENT"), der.cert_bag(leaf_cert), der.cert_bag(other_cert))
    write("nul.p12", der.bag(2, key, name="client\0tail"), der.bag(2, other, name="other"), der.cert_bag(leaf_cert))
    write("astral.p12", der.bag(2, key, name="\U0001f511 ключ"), der.bag(2, other, name="\ud83d"), der.cert_bag(leaf_cert))
    write("boolean-name.p12", der.bag(2, key, attributes=der.attribute(der.FRIENDLY_NAME, b"\1\1\xff")), der.cert_bag(leaf_cert), chain)
    write("nocert.p12", named)
    write("mismatch.p12", named, der.cert_bag(other_cert), chain)
    write("empty.p12")
    write("secret.p12", der.bag(5, der.seq(der.oid("1.2.3"), der.explicit(0, der.octets(b"x")))))
    write("keypass.p12", der.bag(2, m.pkcs8("leaf", "other password"), name="client"), der.cert_bag(leaf_cert), chain)
    write("crl-bag.p12", der.bag(4, der.seq(der.oid("1.2.3"), der.explicit(0, der.octets(b"x")))), named, der.cert_bag(leaf_cert), chain)
    write("ber.p12", named, der.cert_bag(leaf_cert), chain, wrap=der.chunked)
    write("trailing.p12", named, der.cert_bag(leaf_cert), wrap=lambda x: x + b"\0")
    write("small.p12", der.bag(1, m.pkcs8("leaf"), name="client"), der.cert_bag(leaf_cert), mac=lambda c: der.mac_data(c, der.bmp(password), 10))
    small = (der.bag(1, m.pkcs8("leaf"), name="client"), der.cert_bag(leaf_cert, key_id=b"1"))
    m.write("small-nomac.p12", der.pfx([der.data(der.seq(*small))]))
    m.write("bags.der", der.seq(*small, der.bag(6, der.seq(named))))
    write("bad-cert.p12", named, der.cert_bag(leaf_cert[:-1]))
    write("long-name.p12", der.bag(2, key, name="a" * 1025), der.cert_bag(leaf_cert))
    for depth, name in (4, "nested.p12"), (5, "nested-deep.p12"):
        inner = der.seq(named, der.cert_bag(leaf_cert), chain)
        for _ in range(depth):
            inner = der.seq(der.bag(6, inner))
        m.write(name, der.pfx([der.data(inner)], mac))

    bags = (named, der.cert_bag(leaf_cert), chain)
    write("mac-widened.p12", *bags, mac=lambda c: der.mac_data(c, "pässwört".encode().decode("latin1").encode("utf-16-be") + b"\0\0"))
    write("mac-absent.p12", der.bag(1, m.pkcs8("leaf"), name="client"), der.cert_bag(leaf_cert), mac=lambda c: der.mac_data(c, b""))
    write("mac-sha1.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), digest="sha1"))
    write("mac-short.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), keep=4))
    write("mac-empty.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), keep=0))
    write("pbmac1.p12", *bags, mac=lambda c: der.pbmac1_data(c, password.encode()))
    write("pbmac1-short.p12", *bags, mac=lambda c: der.pbmac1_data(c, password.encode(), key_size=1))
    write("pbmac1-long.p12", *bags, mac=lambda c: der.pbmac1_data(c, password.encode(), key_size=65))
    write("pbmac1-without.p12", *bags, mac=lambda c: der.pbmac1_data(c, password.encode(), with_size=False))
    write("mac-iter-max.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), iterations=2 ** 31 - 1))
    write("mac-iter-over.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), iterations=5000001))
    write("mac-iter-huge.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), iterations=2 ** 80))
    write("mac-iter-zero.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), iterations=0))
    write("mac-iter-negative.p12", *bags, mac=lambda c: der.mac_data(c, der.bmp(password), iterations=-5))
    m.write("version.p12", der.pfx([der.data(der.seq(*bags))], mac, version=4))
    m.write("no-content.p12", der.seq(der.integer(3), der.seq(der.oid(der.DATA))))
    m.write("safe-no-content.p12", der.pfx([der.seq(der.oid(der.DATA))], mac))
    m.write("deep.p12", der.seq(der.integer(3), b"\x30\x80" * 3000))

    def encrypted(iterations, content=None):
        kind = der.seq(der.oid("1.2.840.113549.1.12.1.3"), der.seq(der.octets(b"saltsalt"), der.integer(iterations)))
        return der.seq(der.oid("1.2.840.113549.1.7.6"), der.explicit(0, der.seq(der.integer(0), der.seq(
            der.oid(der.DATA), kind, der.tlv(0x80, content) if content is not None else b""))))

    m.write("many-derivations.p12", der.pfx([encrypted(5000000, b"x" * 8)] * 4))
    m.write("safe-iter-over.p12", der.pfx([encrypted(5000001, b"x" * 8)]))
    m.write("enc-no-content.p12", der.pfx([encrypted(1000)]))
    m.write("many-safes.p12", der.pfx([der.data(der.seq())] * 65))
    m.write("key-iter-over.p12", der.pfx([der.data(der.seq(der.bag(2, der.seq(der.seq(der.oid("1.2.840.113549.1.12.1.3"), der.seq(
        der.octets(b"saltsalt"), der.integer(5000001))), der.octets(b"x" * 8))), der.cert_bag(leaf_cert)))], mac))
    m.write("long-salt.p12", der.pfx([der.data(der.seq(der.bag(2, der.seq(der.seq(der.oid("1.2.840.113549.1.12.1.3"), der.seq(
        der.octets(b"s" * 1025), der.integer(1000))), der.octets(b"x" * 8))), der.cert_bag(leaf_cert)))], mac))
    m.write("leaf.der", leaf_cert)
    m.write("key.der", m.pkcs8("leaf"))
    m.write("key-sealed.der", key)
    m.write("bks.jks", b"\0\0\0\2" + b"x" * 40)
    m.write("empty.jks", b"")
    m.write("noise.p12", b"hello, world\n")
