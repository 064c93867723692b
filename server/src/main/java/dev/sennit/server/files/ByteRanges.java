package dev.sennit.server.files;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a file that a request asks for, by RFC 9110, section 14.
 *
 * @param isWhole whether the whole file is to be sent, as if nobody had asked for parts
 * @param parts the parts that exist, in the order of the request; none if the request asks only for parts that do not
 */
public record ByteRanges(boolean isWhole, List<Part> parts) {
    /** A client that continues a download asks for one, a reader of documents for a few. */
    public static final int MOST = 16;

    private static final ByteRanges WHOLE = new ByteRanges(true, List.of());
    private static final String UNIT = "bytes=";
    /** So many digits are always less than the greatest long. */
    private static final int SAFE_DIGITS = 18;

    /** A part: its first byte, and how many there are. */
    public record Part(long from, long length) {
        /** As {@code Content-Range} has it. */
        public String of(long size) {
            return "bytes " + from + "-" + (from + length - 1) + "/" + size;
        }
    }

    /**
     * Reads the field {@code Range}. A field that cannot be understood is passed over, and so is a field with more
     * than {@link #MOST} parts, or with parts that together are longer than the file: they cost more than the file.
     */
    public static ByteRanges parse(@Nullable String field, long size) {
        if (field == null || !field.toLowerCase(Locale.ROOT).startsWith(UNIT)) {
            return WHOLE;
        }
        List<Part> parts = new ArrayList<>();
        int count = 0;
        long sum = 0;
        for (String one : field.substring(UNIT.length()).split(",", MOST + 2)) {
            String text = one.strip();
            if (text.isEmpty()) { // an empty element of a list
                continue;
            }
            int dash = text.indexOf('-');
            if (++count > MOST || dash < 0) {
                return WHOLE;
            }
            String first = text.substring(0, dash);
            String last = text.substring(dash + 1);
            if (!isNumber(first) || !isNumber(last) || first.isEmpty() && last.isEmpty()) {
                return WHOLE;
            }
            long from;
            long to;
            if (first.isEmpty()) {
                from = Math.max(0, size - number(last));
                to = size;
            } else {
                from = number(first);
                long end = last.isEmpty() ? Long.MAX_VALUE : number(last);
                if (end < from) {
                    return WHOLE;
                }
                to = Math.min(size - 1, end) + 1;
            }
            if (from < to) {
                parts.add(new Part(from, to - from));
                sum += to - from;
            }
        }
        return count == 0 || sum > size ? WHOLE : new ByteRanges(false, List.copyOf(parts));
    }

    private static boolean isNumber(String text) {
        return text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static long number(String digits) {
        String significant = digits.replaceFirst("^0+(?=.)", "");
        return significant.length() > SAFE_DIGITS ? Long.MAX_VALUE : Long.parseLong(significant);
    }
}
