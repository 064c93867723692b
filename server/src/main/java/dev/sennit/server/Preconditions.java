package dev.sennit.server;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.eclipse.jetty.http.HttpDateTime;
import org.jspecify.annotations.Nullable;

/**
 * What a request makes depend on the state of a file, in the order of RFC 9110, section 13.2.2.
 *
 * @param tag the strong entity tag of the file, with its quotes
 * @param changed when the file changed, in whole seconds
 */
record Preconditions(Call call, String tag, Instant changed) {
    enum Outcome {
        /** Answer the request. */
        GO_ON,
        /** The client has it: 304. */
        NOT_MODIFIED,
        /** It is another than the client thinks: 412. */
        FAILED
    }

    Preconditions {
        changed = changed.truncatedTo(ChronoUnit.SECONDS);
    }

    Outcome evaluate() {
        List<String> match = call.fieldValues("If-Match");
        if (!match.isEmpty()) {
            if (!matches(match, true)) {
                return Outcome.FAILED;
            }
        } else {
            Instant unmodified = date(call.header("If-Unmodified-Since"));
            if (unmodified != null && changed.isAfter(unmodified)) {
                return Outcome.FAILED;
            }
        }
        List<String> noneMatch = call.fieldValues("If-None-Match");
        if (!noneMatch.isEmpty()) {
            return matches(noneMatch, false) ? Outcome.NOT_MODIFIED : Outcome.GO_ON;
        }
        Instant since = date(call.header("If-Modified-Since"));
        return since != null && !changed.isAfter(since) ? Outcome.NOT_MODIFIED : Outcome.GO_ON;
    }

    /** Returns whether the parts that the client wants are of this state of the file, or it does not care. */
    boolean rangeHolds() {
        String condition = call.header("If-Range");
        if (condition == null) {
            return true;
        }
        String value = condition.strip();
        if (value.startsWith("\"") || value.startsWith("W/")) {
            return value.equals(tag); // a weak tag is none: the bytes may differ
        }
        Instant date = date(value);
        return date != null && date.equals(changed);
    }

    /** Compares with a list of tags; {@code *} is any. */
    private boolean matches(List<String> fields, boolean isStrong) {
        for (String field : fields) {
            int at = 0;
            while (at < field.length()) {
                char c = field.charAt(at);
                if (c == '*') {
                    return true;
                }
                boolean isWeak = field.startsWith("W/\"", at);
                int open = isWeak ? at + 2 : at;
                if (field.charAt(open) != '"') { // a comma, a space, or nothing that we know
                    at++;
                    continue;
                }
                int end = field.indexOf('"', open + 1);
                if (end < 0) {
                    break;
                }
                if (!(isWeak && isStrong) && field.substring(open, end + 1).equals(tag)) {
                    return true;
                }
                at = end + 1;
            }
        }
        return false;
    }

    /** Returns null if there is no date: a condition with something else is passed over. */
    private static @Nullable Instant date(@Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            return HttpDateTime.parse(text).toInstant();
        } catch (IllegalArgumentException | DateTimeException e) {
            return null;
        }
    }
}
