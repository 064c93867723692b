package dev.sennit.pipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What a forged message may say of an address: no more than the factories let through. */
class ConnectionAddressTest {
    private static final byte[] KEY = "a key of 24 letters, say".getBytes(StandardCharsets.US_ASCII);

    private static String written(ConnectionAddress address) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(address);
        }
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }

    private static Object read(String bytes) throws IOException, ClassNotFoundException {
        try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes.getBytes(StandardCharsets.ISO_8859_1)))) {
            return in.readObject();
        }
    }

    private static void assertRefused(String bytes, String part, String forged) {
        assertThat(bytes).containsOnlyOnce(part);
        assertThatThrownBy(() -> read(bytes.replace(part, forged))).isInstanceOf(InvalidObjectException.class);
    }

    @Test
    void anAddressArrivesAsItWas() throws Exception {
        ConnectionAddress port = ConnectionAddress.of(0xABCD, KEY);
        ConnectionAddress file = ConnectionAddress.of(Path.of("/folder/socket"), KEY);
        assertThat(read(written(port))).isEqualTo(port);
        assertThat(read(written(file))).isEqualTo(file);
    }

    @Test
    void aPortThatIsNoneIsRefused() throws Exception {
        assertRefused(written(ConnectionAddress.of(0xABCD, KEY)), "\0\0\u00ab\u00cd", "\0\1\u00ab\u00cd");
    }

    @Test
    void aShortKeyIsRefused() throws Exception {
        String key = new String(KEY, StandardCharsets.US_ASCII);
        assertRefused(written(ConnectionAddress.of(0xABCD, KEY)), "\0\0\0\30" + key, "\0\0\0\3key");
    }

    @Test
    void aFileThatDependsOnTheReadersFolderIsRefused() throws Exception {
        assertRefused(written(ConnectionAddress.of(Path.of("/folder/socket"), KEY)), "/folder/socket",
                "afolder/socket");
    }
}
