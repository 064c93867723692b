package dev.sennit.server.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.ServletServer;
import dev.sennit.server.WebService;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A WAR in worker processes, replaced while clients ask that never retry. */
@Timeout(180)
class ServletWorkersIT {
    private static final String PAGE = """
            package com.acme;

            import jakarta.servlet.annotation.WebServlet;
            import jakarta.servlet.http.*;
            import java.io.IOException;

            @WebServlet(urlPatterns = "/page", asyncSupported = true)
            public class Page extends HttpServlet {
                @Override
                protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                    var async = request.startAsync();
                    async.start(() -> {
                        try {
                            response.setContentLength(4);
                            response.getWriter().print("%s");
                            async.complete();
                        } catch (IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    });
                }
            }
            """;

    private static final String CHAT = """
            package com.acme;

            @jakarta.websocket.server.ServerEndpoint("/chat")
            public class Chat {
                @jakarta.websocket.OnMessage
                public String answer(String message) {
                    return "re: " + message;
                }
            }
            """;

    private static final String BROKEN = """
            package com.acme;

            @jakarta.servlet.annotation.WebListener
            public class Broken implements jakarta.servlet.ServletContextListener {
                @Override
                public void contextInitialized(jakarta.servlet.ServletContextEvent event) {
                    throw new IllegalStateException("no database");
                }
            }
            """;

    @TempDir
    Path temp;

    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicBoolean isOver = new AtomicBoolean();

    private War war(String text) throws IOException {
        return new War(temp.resolve(text)).source("com.acme.Page", PAGE.formatted(text))
                .source("com.acme.Chat", CHAT);
    }

    private static final class Heard implements WebSocket.Listener {
        private final BlockingQueue<String> all = new LinkedBlockingQueue<>();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean isLast) {
            all.add(text.toString());
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            all.add("close " + code);
            return null;
        }

        String next() throws InterruptedException {
            return String.valueOf(all.poll(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void aReloadFailsNoRequestAndTellsWebSockets() throws Exception {
        Path war = war("old!").packed(temp.resolve("shop.war"));
        Path newer = war("new!").packed(temp.resolve("newer.war"));
        Path broken = war("bad!").source("com.acme.Broken", BROKEN).packed(temp.resolve("broken.war"));
        var log = new ByteArrayOutputStream();
        List<Thread> clients = new ArrayList<>();
        try (ServiceManager manager = ServiceManager.create("shop", ServiceLog.to(log, ServiceLog.Format.TEXT));
                HttpClient client = HttpClient.newHttpClient()) {
            var address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
            manager.add(ServiceSettings.of("web", WebService.of(ServletApplication.war(war))).workers(2)
                    .listener("web").heap("96m")
                    .jvmOptions("-XX:TieredStopAtLevel=1").build());
            manager.start();
            manager.whenUp().get(60, TimeUnit.SECONDS);
            assertThat(log.toString(StandardCharsets.UTF_8)).as("warnings at the start").doesNotContain("WARN",
                    "SLF4J");
            assertThat(page(address)).isEqualTo("old!");
            var heard = new Heard();
            WebSocket socket = client.newWebSocketBuilder()
                    .buildAsync(URI.create("ws://127.0.0.1:" + address.getPort() + "/chat"), heard).join();
            socket.sendText("a", true).join();
            assertThat(heard.next()).isEqualTo("re: a");

            for (int i = 0; i < 4; i++) {
                boolean keeps = i % 2 == 0;
                clients.add(Thread.ofPlatform().daemon().start(() -> ask(address, keeps)));
            }
            Files.copy(newer, war, StandardCopyOption.REPLACE_EXISTING);
            manager.reload("web").get(120, TimeUnit.SECONDS);
            assertThat(heard.next()).isEqualTo("close 1001");
            long then = answered.get();
            Waiting.until(() -> answered.get() > then + 100 || !failures.isEmpty());
            isOver.set(true);
            for (Thread one : clients) {
                one.join();
            }
            assertThat(failures).as(() -> log.toString(StandardCharsets.UTF_8)).isEmpty();
            assertThat(page(address)).isEqualTo("new!");

            Files.copy(broken, war, StandardCopyOption.REPLACE_EXISTING);
            assertThatThrownBy(() -> manager.reload("web").get(120, TimeUnit.SECONDS)).isNotNull();
            assertThat(log.toString(StandardCharsets.UTF_8))
                    .contains(war
                            + " cannot be started: java.lang.IllegalStateException: no database at com.acme.Broken");
            assertThat(page(address)).as("the old workers go on").isEqualTo("new!");
        }
    }

    private static String page(InetSocketAddress address) throws IOException {
        try (var socket = new Socket(address.getAddress(), address.getPort())) {
            socket.setSoTimeout(30_000);
            return page(socket, "Connection: close\r\n");
        }
    }

    private static String page(Socket socket, String field) throws IOException {
        ServletServer.send(socket, "GET /page HTTP/1.1\r\nHost: a\r\n" + field + "\r\n");
        String head = ServletServer.head(socket);
        if (!head.startsWith("HTTP/1.1 200 ")) {
            throw new IOException(head);
        }
        String body = new String(socket.getInputStream().readNBytes(4), StandardCharsets.US_ASCII);
        if (head.contains("Connection: close")) {
            socket.close();
        }
        return body;
    }

    private void ask(InetSocketAddress address, boolean keeps) {
        while (!isOver.get()) {
            try (var socket = new Socket(address.getAddress(), address.getPort())) {
                socket.setSoTimeout(30_000);
                do {
                    String body = page(socket, keeps ? "" : "Connection: close\r\n");
                    if (!body.equals("old!") && !body.equals("new!")) {
                        failures.add("\"" + body + "\"");
                    }
                    answered.incrementAndGet();
                } while (!socket.isClosed() && !isOver.get());
            } catch (IOException | RuntimeException e) {
                failures.add(e.toString());
            }
        }
    }
}
