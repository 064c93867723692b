package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class JdkCodecTest extends CodecContract {
    JdkCodecTest() {
        super("jdk");
    }

    @Override
    boolean canRead(byte[] image) throws ImageException {
        return super.canRead(image) && !Arrays.equals(image, Corpus.hostile("cmyk.jpg"));
    }

    @Test
    void refusesFourInks() {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> make(Corpus.hostile("cmyk.jpg")))
                .withMessage(
                        "JPEG of 360x240 pixels that cannot be decoded: the JDK reads no CMYK; enable native access "
                                + "for sennit-images");
    }
}
