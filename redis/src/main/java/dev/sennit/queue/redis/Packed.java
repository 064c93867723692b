package dev.sennit.queue.redis;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Several texts in one, each with its length before it: {@code 3:abc0:}. The scripts do the same. */
final class Packed {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Packed add(byte[] value) {
        out.writeBytes((value.length + ":").getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(value);
        return this;
    }

    Packed add(String value) {
        return add(value.getBytes(StandardCharsets.UTF_8));
    }

    Packed addAll(Iterable<String> values) {
        var all = new Packed();
        values.forEach(all::add);
        return add(all.bytes());
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    /** Takes the texts apart. */
    static List<byte[]> read(byte[] packed) {
        List<byte[]> values = new ArrayList<>();
        for (byte[] value : readNullable(packed)) {
            values.add(Objects.requireNonNull(value, "a packed value"));
        }
        return values;
    }

    /** Takes the texts apart, of which some may not be there: a minus says so. */
    static List<byte @Nullable []> readNullable(byte[] packed) {
        List<byte @Nullable []> values = new ArrayList<>();
        for (int at = 0; at < packed.length;) {
            if (packed[at] == '-' && at + 1 < packed.length && packed[at + 1] == ':') {
                values.add(null);
                at += 2;
                continue;
            }
            int length = 0;
            int begin = at;
            while (at < packed.length && packed[at] >= '0' && packed[at] <= '9' && at - begin < 9) {
                length = 10 * length + packed[at++] - '0';
            }
            if (at == begin || at >= packed.length || packed[at] != ':' || length > packed.length - at - 1) {
                throw new IllegalArgumentException("a packed value is damaged");
            }
            byte[] value = new byte[length];
            System.arraycopy(packed, at + 1, value, 0, length);
            values.add(value);
            at += 1 + length;
        }
        return values;
    }

    static List<String> texts(byte[] packed) {
        return read(packed).stream().map(each -> new String(each, StandardCharsets.UTF_8)).toList();
    }
}
