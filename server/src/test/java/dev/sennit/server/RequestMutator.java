package dev.sennit.server;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Makes requests that nobody has thought of, from good ones and bad ones. The same number makes the same request. */
final class RequestMutator {
    private static final int LONGEST = 4 << 10;
    private static final int MOST_CHANGES = 4;

    private static final List<String> GOOD = List.of(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a?b=%20c&d HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nCookie: a=b; c=d\r\nUser-Agent: x\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
            "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            "POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
            "GET /files/some.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3,-2\r\nIf-Range: \"x\"\r\n\r\n",
            "GET /files/some.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-\r\nIf-None-Match: \"a\", W/\"b\"\r\n\r\n",
            "GET /files/sub/../some.txt HTTP/1.1\r\nHost: a\r\n"
                    + "If-Modified-Since: Thu, 29 Feb 2024 12:00:00 GMT\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
                    + "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET http://a:80/ HTTP/1.1\r\nHost: a:80\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    /** What parsers stumble over. */
    private static final List<String> CRUMBS = List.of(
            "\r\n", "\n", "\r", "\0", " ", "\t", ":", ";", ",", "%", "%00", "%2f", "/../", "..", "//", "\\", "?", "#",
            "0", "-1", "9999999999999999999999", "0x", "ffffffffffffffff", "\u00ff", "\u0080", "\u00c0\u00af", "\"",
            "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "Connection: close\r\n",
            "Range: bytes=0-,-1\r\n", "\r\n\r\n", "0\r\n\r\n", " HTTP/1.1\r\n", "Expect: 100-continue\r\n",
            "Upgrade: h2c\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u0016\u0003\u0001");

    private final long seed;
    private final List<byte[]> corpus = new ArrayList<>();

    RequestMutator(long seed, List<BadRequests.Case> bad) {
        this.seed = seed;
        GOOD.forEach(one -> corpus.add(one.getBytes(StandardCharsets.ISO_8859_1)));
        bad.forEach(one -> corpus.add(Arrays.copyOf(one.bytes(), Math.min(one.bytes().length, LONGEST))));
    }

    /** Returns a request by its number. */
    byte[] request(int number) {
        var random = new SplittableRandom(seed ^ number * 0x9E3779B97F4A7C15L);
        byte[] request = any(random);
        for (int changes = 1 + random.nextInt(MOST_CHANGES); changes > 0; changes--) {
            request = change(request, random);
        }
        return request;
    }

    private byte[] any(SplittableRandom random) {
        return corpus.get(random.nextInt(corpus.size()));
    }

    private byte[] change(byte[] request, SplittableRandom random) {
        int at = random.nextInt(request.length + 1);
        int to = Math.min(request.length, at + 1 + random.nextInt(40));
        return switch (random.nextInt(7)) {
            case 0 -> { // a bit flips
                byte[] flipped = request.clone();
                if (at < flipped.length) {
                    flipped[at] ^= (byte) (1 << random.nextInt(8));
                }
                yield flipped;
            }
            case 1 -> { // another byte
                byte[] other = request.clone();
                if (at < other.length) {
                    other[at] = (byte) random.nextInt(256);
                }
                yield other;
            }
            case 2 -> Arrays.copyOf(request, at); // cut
            case 3 -> joined(request, 0, at, request, to, request.length); // a part is missing
            case 4 -> joined(request, 0, to, request, at, request.length); // a part is there twice
            case 5 -> { // the end of another
                byte[] other = any(random);
                yield joined(request, 0, at, other, random.nextInt(other.length), other.length);
            }
            default -> {
                byte[] crumb = CRUMBS.get(random.nextInt(CRUMBS.size())).getBytes(StandardCharsets.ISO_8859_1);
                yield joined(joined(request, 0, at, crumb, 0, crumb.length), 0, at + crumb.length, request, at,
                        request.length);
            }
        };
    }

    private static byte[] joined(byte[] first, int from, int to, byte[] second, int start, int end) {
        var all = new ByteArrayOutputStream();
        all.write(first, from, to - from);
        all.write(second, start, end - start);
        return all.size() > 2 * LONGEST ? Arrays.copyOf(all.toByteArray(), 2 * LONGEST) : all.toByteArray();
    }
}
