package dev.sennit.server;

import dev.sennit.server.FrontSettings.AccessFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The line of an access log for a request. It is plain ASCII without control characters, whatever the client has
 * sent: no value can end the line, its own quotes, or change a terminal.
 *
 * @param client the address of the client
 * @param id the id of the request
 * @param method null if the request could not be read
 * @param target null if the request could not be read
 * @param bytes of the body of the response, as far as it was written
 * @param queueNanos the time from the end of the head to the start of the handler
 * @param handlerNanos the time from there to the end of the response
 * @param isWhole whether the client was sent the whole response
 */
record AccessLine(
        Instant time,
        String client,
        String id,
        @Nullable String method,
        @Nullable String target,
        String protocol,
        int status,
        long bytes,
        @Nullable String referer,
        @Nullable String agent,
        long queueNanos,
        long handlerNanos,
        boolean isWhole) {
    /** The most characters of a value of the client's: a line is then at most some kilobytes long. */
    private static final int LONGEST = 2000;

    private static final DateTimeFormatter COMBINED_TIME =
            DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter JSON_TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final String HEX = "0123456789abcdef";

    /** Returns the line with its end. */
    byte[] bytes(AccessFormat format) {
        StringBuilder line = new StringBuilder(300);
        switch (format) {
            case COMBINED -> combined(line);
            case JSON -> json(line);
        }
        return line.append('\n').toString().getBytes(StandardCharsets.US_ASCII);
    }

    private void combined(StringBuilder line) {
        escaped(line, client, false);
        line.append(" - - [").append(COMBINED_TIME.format(time)).append("] \"");
        if (method == null || target == null) {
            line.append('-');
        } else {
            escaped(line, method, false);
            line.append(' ');
            escaped(line, target, false);
            line.append(' ').append(protocol);
        }
        line.append("\" ").append(status).append(' ').append(bytes).append(" \"");
        escaped(line, referer == null ? "-" : referer, false);
        line.append("\" \"");
        escaped(line, agent == null ? "-" : agent, false);
        line.append("\" ");
        escaped(line, id, false);
        line.append(' ');
        micros(line, queueNanos, 6);
        line.append(' ');
        micros(line, handlerNanos, 6);
        line.append(isWhole ? " whole" : " cut");
    }

    private void json(StringBuilder line) {
        line.append("{\"time\":\"").append(JSON_TIME.format(time)).append('"');
        member(line, "client", client);
        member(line, "id", id);
        member(line, "method", method);
        member(line, "target", target);
        member(line, "protocol", protocol);
        line.append(",\"status\":").append(status).append(",\"bytes\":").append(bytes);
        member(line, "referer", referer);
        member(line, "agent", agent);
        line.append(",\"queueMillis\":");
        micros(line, queueNanos, 3);
        line.append(",\"handlerMillis\":");
        micros(line, handlerNanos, 3);
        line.append(",\"whole\":").append(isWhole).append('}');
    }

    private static void member(StringBuilder line, String name, @Nullable String value) {
        line.append(",\"").append(name).append("\":");
        if (value == null) {
            line.append("null");
        } else {
            line.append('"');
            escaped(line, value, true);
            line.append('"');
        }
    }

    /** Appends a time in units of so many digits of microseconds, to the microsecond. */
    private static void micros(StringBuilder line, long nanos, int digits) {
        String text = Long.toString(Math.max(0, nanos) / 1000);
        line.repeat('0', Math.max(0, digits + 1 - text.length())).append(text);
        line.insert(line.length() - digits, '.');
    }

    /** Appends a value; as Apache does, or as JSON has it. */
    private static void escaped(StringBuilder line, String value, boolean isJson) {
        int length = Math.min(value.length(), LONGEST);
        for (int i = 0; i < length; i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                line.append('\\').append(c);
            } else if (c >= ' ' && c < 127) {
                line.append(c);
            } else if (isJson || c > 255) {
                line.append("\\u").append(HEX.charAt(c >> 12)).append(HEX.charAt(c >> 8 & 15));
                line.append(HEX.charAt(c >> 4 & 15)).append(HEX.charAt(c & 15));
            } else {
                line.append("\\x").append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
            }
        }
        if (length < value.length()) {
            line.append("...");
        }
    }
}
