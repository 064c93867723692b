package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.images.internal.codec.Decoded;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ThumbnailMakerIT {
    private static final ThumbnailMaker MAKER = new ThumbnailMaker(ThumbnailSettings.defaults());

    @Test
    void worksInOtherProcesses() throws Exception {
        byte[] image = Corpus.bytes(Corpus.BASELINE);
        Thumbnails here = MAKER.make(image);
        try (Pool pool = Pools.open("processes:2")) {
            List<Thumbnails> there = pool.map(MAKER, Collections.nCopies(3, image));
            assertThat(there).hasSize(3);
            for (Thumbnails made : there) {
                assertThat(made.codec()).isEqualTo(here.codec());
                assertThat(made.source()).isEqualTo(here.source());
                assertThat(made.all().getFirst().bytes()).isEqualTo(here.all().getFirst().bytes());
            }
        }
    }

    @Test
    void problemsComeHome() {
        byte[] image = Corpus.hostile("html.jpg");
        try (Pool pool = Pools.open("processes:1")) {
            assertThatExceptionOfType(CompletionException.class)
                    .isThrownBy(() -> pool.submit(() -> MAKER.make(image)).join())
                    .havingCause()
                    .isInstanceOf(ImageException.class)
                    .withMessage("HTML, not an image");
        }
    }

    /** Undiminished the image takes 33 MB of native memory, of which nothing may stay, whether it is whole or not. */
    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void nativeMemoryIsGivenBack() throws Exception {
        byte[] whole = Corpus.bytes(Corpus.BASELINE);
        byte[] broken = whole.clone();
        Arrays.fill(broken, broken.length / 2, broken.length / 2 + 1000, (byte) 0x55);
        ImageHeader header = ImageHeader.read(whole);
        for (String name : List.of("leptonica", "turbojpeg")) {
            Codec codec = Codecs.reading(ImageKind.JPEG, name);
            if (codec.name().equals("jdk")) {
                continue; // no native codec here
            }
            decode(codec, whole, header);
            long before = residentKilobytes();
            for (int i = 0; i < 5; i++) {
                decode(codec, whole, header);
                decode(codec, broken, header);
            }
            assertThat(residentKilobytes() - before).as(name).isLessThan(120_000); // 165,000 if either kind were kept
        }
    }

    private static void decode(Codec codec, byte[] image, ImageHeader header) throws ImageException {
        try (Decoded decoded = codec.decode(image, header, 1)) {
            assertThat(decoded.width()).isEqualTo(header.width());
        }
    }

    private static long residentKilobytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void ofAFileTheNameIsToldWhenItIsRefused(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("photo.jpg"), Corpus.hostile("prog.jpg"));
        assertThat(MAKER.make(file).all()).hasSize(3);
        Files.write(file, new byte[0]);
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> MAKER.make(file))
                .withMessage("photo.jpg: empty, not an image");
    }

    @Test
    void threadsDoNotDisturbEachOther() throws Exception {
        List<String> names =
                List.of("prog.jpg", "rgba.png", "a.webp", "corrupt_base.jpg", "anim.gif", "t.tiff", "cmyk.jpg");
        List<byte[]> images = Collections.nCopies(2, names).stream()
                .flatMap(List::stream)
                .map(Corpus::hostile)
                .toList();
        List<byte[]> alone = images.stream().map(ThumbnailMakerIT::firstOf).toList();
        try (Pool pool = Pools.open("threads:4")) {
            assertThat(pool.map(ThumbnailMakerIT::firstOf, images)).usingRecursiveComparison().isEqualTo(alone);
        }
    }

    /** Of what cannot be read here, the reason. */
    private static byte[] firstOf(byte[] image) {
        try {
            return new ThumbnailMaker(ThumbnailSettings.defaults()).make(image).all().getFirst().bytes();
        } catch (ImageException e) {
            return e.getMessage().getBytes(StandardCharsets.UTF_8);
        }
    }
}
