package dev.sennit.images;

import dev.sennit.images.ThumbnailSettings.Format;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * How fast each codec is, how much memory its process takes and how good its thumbnails are, for whoever chooses one: {@code CodecComparison
 * FOLDER [PASSES [CODEC...]]}, with the test classes on the class path. Figures are of one thread, and of the last pass; each codec has a JVM of its own.
 * Quality is that of the thumbnails of 200 pixels before they are encoded, against Lanczos over all pixels; it is left out when PASSES is even.
 */
final class CodecComparison {
    private CodecComparison() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        int passes = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 3;
        if (arguments.length == 3) {
            measure(arguments[2], folder, passes);
            return;
        }
        List<String> codecs = arguments.length > 3 ? List.of(arguments).subList(2, arguments.length) : ThumbnailMaker.codecs();
        for (String codec : codecs) {
            new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-Djava.awt.headless=true",
                            "-XX:+UseSerialGC",
                            "-Xmx512m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            CodecComparison.class.getName(),
                            folder.toString(),
                            "" + passes,
                            codec)
                    .inheritIO()
                    .start()
                    .waitFor();
        }
    }

    private static void measure(String codec, Path folder, int passes) throws IOException {
        ThumbnailMaker maker = new ThumbnailMaker(ThumbnailSettings.defaults().withCodec(codec));
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.sorted().toList();
        }
        double seconds = 0;
        for (int i = 0; i < passes; i++) {
            long start = System.nanoTime();
            for (Path file : files) {
                maker.make(file);
            }
            seconds = (System.nanoTime() - start) / 1e9;
        }
        String memory = residentMegabytes();
        System.out.printf(Locale.ROOT, "%-10s %6.1f images/s, RSS %s MB", codec, files.size() / seconds, memory);
        if (passes % 2 != 0) {
            double[] decibels = likeness(new ThumbnailMaker(maker.settings().withFormat(Format.PNG)), files);
            System.out.printf(Locale.ROOT, ", PSNR mean %.1f, least %.1f dB", decibels[0], decibels[1]);
        }
        System.out.println();
    }

    private static double[] likeness(ThumbnailMaker maker, List<Path> files) throws IOException {
        List<Double> all = new ArrayList<>();
        for (Path file : files) {
            Thumbnail made = maker.make(file).all().getFirst();
            Pixels expected = Pixels.of(Files.readAllBytes(file)).lanczos(made.width(), made.height());
            all.add(Pixels.of(made).psnr(expected));
        }
        return new double[] {
            all.stream().mapToDouble(each -> each).average().orElse(0),
            all.stream().mapToDouble(each -> each).min().orElse(0)
        };
    }

    private static String residentMegabytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return "" + Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        return "unknown";
    }
}
