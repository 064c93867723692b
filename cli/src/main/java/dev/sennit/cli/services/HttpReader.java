package dev.sennit.cli.services;

import dev.sennit.server.FrontSettings;
import dev.sennit.server.FrontSettings.AccessFormat;
import dev.sennit.server.FrontSettings.ProxyFields;
import dev.sennit.server.ServerSettings;
import dev.sennit.server.servlet.WebSocketSettings;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Reads the table {@code http} of a service: the limits of its server. */
final class HttpReader {
    private static final List<String> UNITS = List.of("k", "m", "g");

    private static final Pattern FORM = Pattern.compile("[0-9]{1,9}[kmg]");

    private final Section keys;
    private ServerSettings settings = ServerSettings.DEFAULTS;
    private FrontSettings front = FrontSettings.DEFAULTS;
    private WebSocketSettings webSockets = WebSocketSettings.DEFAULTS;

    /**
     * A reader of the limits of one service.
     *
     * @param keys the table of the service
     */
    HttpReader(Section keys) {
        this.keys = keys;
    }

    /** Reads all keys; the defaults if there is no such table. */
    ServerSettings read() {
        Section http = keys.section("http", "http", "http.");
        if (http == null) {
            return settings;
        }
        http.text("on", text -> use(all -> all.on(text)));
        http.smallNumber("queue", number -> use(all -> all.queue(number)));
        http.smallNumber("connections", number -> use(all -> all.connections(number)));
        http.size("header-size", text -> use(all -> all.headerSize((int) Math.min(bytes(text), Integer.MAX_VALUE))));
        http.size("body-size", text -> use(all -> all.bodySize(bytes(text))));
        http.time("header-limit", time -> use(all -> all.headerLimit(time)));
        http.time("stall-limit", time -> use(all -> all.stallLimit(time)));
        http.time("keep-alive", time -> use(all -> all.keepAlive(time)));
        http.time("deadline", time -> use(all -> all.deadline(time)));
        http.time("heed-limit", time -> use(all -> all.heedLimit(time)));
        http.time("last-request", time -> use(all -> all.lastRequest(time)));
        http.time("retry-after", time -> use(all -> all.retryAfter(time)));
        http.smallNumber("body-rate", number -> use(all -> all.bodyRate(number)));
        http.time("body-grace", time -> use(all -> all.bodyGrace(time)));
        readFront(http);
        http.refuseOthers();
        return settings;
    }

    private void readFront(Section http) {
        http.text("access-log", text -> front = front.accessLog(text));
        http.word("access-format", AccessFormat.class, word -> front = front.accessFormat(word));
        List<String> proxies = http.texts("proxies");
        if (proxies != null) {
            try {
                front = front.proxies(proxies);
            } catch (IllegalArgumentException e) {
                http.refuse("proxies", String.valueOf(e.getMessage()));
            }
        }
        http.word("proxy-fields", ProxyFields.class, word -> front = front.proxyFields(word));
    }

    /** Returns what was read beside the limits; the defaults before {@link #read}. */
    FrontSettings front() {
        return front;
    }

    /** Reads the table {@code web-sockets}: the limits of the WebSockets of a WAR; the defaults if there is none. */
    WebSocketSettings readWebSockets() {
        Section table = keys.section("web-sockets", "web-sockets", "web-sockets.");
        if (table == null) {
            return webSockets;
        }
        table.smallNumber("most", number -> webSockets = webSockets.most(number));
        table.size("message-size",
                text -> webSockets = webSockets.messageSize((int) Math.min(bytes(text), Integer.MAX_VALUE)));
        table.time("idle", time -> webSockets = webSockets.idle(time));
        table.time("going-away", time -> webSockets = webSockets.goingAway(time));
        table.smallNumber("unsent", number -> webSockets = webSockets.unsent(number));
        table.time("send-limit", time -> webSockets = webSockets.sendLimit(time));
        table.refuseOthers();
        return webSockets;
    }

    private ServerSettings use(UnaryOperator<ServerSettings> change) {
        settings = change.apply(settings);
        return settings;
    }

    /** Reads an amount such as 8k. */
    private static long bytes(String text) {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException("must be a number with k, m or g, such as \"10m\"");
        }
        int unit = UNITS.indexOf(text.substring(text.length() - 1));
        return Long.parseLong(text.substring(0, text.length() - 1)) << (10 * (unit + 1));
    }
}
