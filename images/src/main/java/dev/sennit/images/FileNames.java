package dev.sennit.images;

import dev.sennit.images.internal.text.Printable;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Makes valid file names from the names of sources. */
final class FileNames {
    /** Leaves room for a hash, a size and an ending within the 255 bytes that file systems allow. */
    static final int MOST_BYTES = 200;

    private static final String NAMELESS = "image";
    private static final String FORBIDDEN = "/\\:*?\"<>|";
    private static final Pattern RESERVED = Pattern.compile(
            "(?i)(con|prn|aux|nul|conin\\$|conout\\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])( *\\..*| "
                    + "*)");
    private static final Set<String> ENDINGS = Set.of(
            "jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "bmp", "dib", "tif", "tiff", "avif", "heic",
            "heif",
            "jxl", "jp2", "ico", "svg", "tga", "qoi", "psd", "pbm", "pgm", "ppm", "pnm");

    private FileNames() {}

    /** Returns a text that identifies a source, the same in every run. */
    static String identity(Source source) {
        return switch (source) {
            case Source.LocalFile file -> file.path().toAbsolutePath().normalize().toString();
            case Source.WebAddress web -> web.uri().toString();
        };
    }

    /** Returns a name for the files made from a source; other sources may get the same. */
    static String of(Source source) {
        return switch (source) {
            case Source.LocalFile file -> safe(withoutEnding(lastPart(file.path())));
            case Source.WebAddress web -> safe(withoutEnding(lastPart(web.uri())));
        };
    }

    private static String lastPart(Path path) {
        Path name = path.getFileName();
        return name == null ? "" : name.toString();
    }

    /**
     * Returns the last part of an address's path. It is split before it is decoded: an encoded slash is a part of the
     * name.
     */
    private static String lastPart(URI uri) {
        String path = uri.getRawPath() == null ? "" : uri.getRawPath();
        int end = path.length();
        while (end > 0 && path.charAt(end - 1) == '/') {
            end--;
        }
        String part = path.substring(path.lastIndexOf('/', end - 1) + 1, end);
        if (part.isEmpty()) {
            return String.valueOf(uri.getHost());
        }
        return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    static boolean endsLikeImage(Path path) {
        String name = lastPart(path);
        return !withoutEnding(name).equals(name);
    }

    private static String withoutEnding(String name) {
        int dot = name.lastIndexOf('.');
        return dot >= 0 && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT))
                ? name.substring(0, dot)
                : name;
    }

    /** Returns a name that is safe for every file system and terminal; a name that is safe already stays as it is. */
    static String safe(String given) {
        var name = new StringBuilder();
        String composed = Normalizer.normalize(given, Normalizer.Form.NFC);
        composed.codePoints().forEach(c -> name.appendCodePoint(isAllowed(c) ? c : '_'));
        for (int i = 0; i < name.length() && ".-~ ".indexOf(name.charAt(i)) >= 0; i++) {
            name.setCharAt(i, '_');
        }
        String safe = trimmed(Normalizer.normalize(name, Normalizer.Form.NFC), MOST_BYTES);
        if (RESERVED.matcher(safe).matches()) {
            safe = trimmed("_" + safe, MOST_BYTES);
        }
        return safe.isEmpty() ? NAMELESS : safe;
    }

    private static boolean isAllowed(int codePoint) {
        return Printable.isHarmless(codePoint)
                && FORBIDDEN.indexOf(codePoint) < 0
                && (codePoint == ' ' || Character.getType(codePoint) != Character.SPACE_SEPARATOR);
    }

    /** Returns the name cut to the allowed bytes, at a whole character, with no dot or space at the end. */
    private static String trimmed(String name, int mostBytes) {
        int end = 0;
        for (int bytes = 0; end < name.length();) {
            int c = name.codePointAt(end);
            bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            if (bytes > mostBytes) {
                break;
            }
            end += Character.charCount(c);
        }
        while (end > 0 && ". ".indexOf(name.charAt(end - 1)) >= 0) {
            end--;
        }
        return name.substring(0, end);
    }

    /**
     * Returns a key: names with the same key are one file to a file system that ignores case or the form of accents.
     */
    static String key(String name) {
        String folded = name.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
        return Normalizer.normalize(folded, Normalizer.Form.NFKC);
    }

    static String withHash(String name, String identity, int digits) {
        byte[] hash;
        try {
            hash = MessageDigest.getInstance("SHA-256").digest(identity.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
        String hex = HexFormat.of().formatHex(hash);
        return trimmed(name, MOST_BYTES - 1 - digits) + "-" + hex.substring(0, Math.min(digits, hex.length()));
    }
}
