package dev.sennit.images;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/** The codecs of this machine, and the formats that each reads and writes. */
final class Codecs {
    static final String AUTO = "auto";
    private static final List<String> NAMES = List.of("leptonica", "turbojpeg", "jdk");

    private Codecs() {}

    /** Found once, at the first use: libraries are loaded then. */
    private static final class Found {
        /**
         * The first two are equally fast, as both use libjpeg-turbo. The one with a fixed version comes first, so that
         * thumbnails are the same on all machines.
         */
        static final List<Codec> ALL = find();

        private static List<Codec> find() {
            List<Codec> found = new ArrayList<>();
            LeptonicaCodec.find().ifPresent(found::add);
            TurboJpegCodec.find().ifPresent(found::add);
            found.add(new JdkCodec());
            return List.copyOf(found);
        }
    }

    static List<String> available() {
        return Found.ALL.stream().map(Codec::name).toList();
    }

    static void ensureKnown(String name) {
        if (!name.equals(AUTO) && !NAMES.contains(name)) {
            throw new IllegalArgumentException("codec must be auto or one of " + NAMES + ", was \"" + name + "\"");
        }
    }

    static void ensureAvailable(String name) {
        if (!name.equals(AUTO) && !available().contains(name)) {
            throw new IllegalStateException("codec " + name + " is not available here, only " + available()
                    + (Codecs.class.getModule().isNativeAccessEnabled() ? "" : "; native access is not enabled"));
        }
    }

    static Codec reading(ImageKind kind, String preferred) throws ImageException {
        return first(preferred, codec -> codec.reads(kind), kind + ", which cannot be read");
    }

    static Codec writing(ImageKind kind, String preferred) throws ImageException {
        return first(preferred, codec -> codec.writes(kind), kind + " cannot be written");
    }

    private static Codec first(String preferred, Predicate<Codec> able, String otherwise) throws ImageException {
        return Found.ALL.stream()
                .filter(able)
                .min(Comparator.comparing(codec -> !codec.name().equals(preferred))) // by default the first
                .orElseThrow(() -> new ImageException(otherwise + " by the JDK alone; enable native access for "
                        + "sennit-images on Linux, with leptonica's jar on the class path"));
    }
}
