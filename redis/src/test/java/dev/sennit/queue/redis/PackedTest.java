package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class PackedTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void givesBackWhatItWasGiven() {
        byte[] packed = new Packed().add("a").add("").add(new byte[] {0, -1, ':'}).addAll(List.of("x", "3:y", "\u20ac"))
                .bytes();
        List<byte[]> values = Packed.read(packed);
        assertThat(values).hasSize(4);
        assertThat(values.get(0)).isEqualTo(bytes("a"));
        assertThat(values.get(1)).isEmpty();
        assertThat(values.get(2)).containsExactly(0, -1, ':');
        assertThat(Packed.texts(values.get(3))).containsExactly("x", "3:y", "\u20ac");
        assertThat(Packed.read(new byte[0])).isEmpty();
        assertThat(Packed.readNullable(bytes("1:a-:0:"))).hasSize(3).element(1).isNull();
    }

    @Test
    void refusesWhatIsDamaged() {
        for (String damaged : List.of("x", "1", "1:", "3:ab", ":a", "-1:a", "99999999999:a", "1:a2:b")) {
            assertThatThrownBy(() -> Packed.read(bytes(damaged))).as(damaged)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
