package dev.sennit.examples.services;

import dev.sennit.server.WebService;
import dev.sennit.server.servlet.ServletApplication;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.websocket.OnMessage;
import jakarta.websocket.server.ServerEndpoint;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** Serves a Servlet and a WebSocket, and reloads the worker: the client of the WebSocket is told. */
public final class ServletGreetings {
    /** Greets. */
    @WebServlet("/hello")
    public static final class Hello extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.getWriter().print("hello " + request.getParameter("name"));
        }
    }

    /** Echoes. */
    @ServerEndpoint("/echo")
    public static final class Echo {
        @OnMessage
        public String echo(String message) {
            return "echo: " + message;
        }
    }

    /** What the client of the WebSocket hears. */
    private static final class Heard extends LinkedBlockingQueue<String> implements WebSocket.Listener {
        private static final long serialVersionUID = 1L;

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean isLast) {
            add(text.toString());
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            add(code + " " + reason);
            return null;
        }
    }

    private ServletGreetings() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        WebService service = WebService.of(ServletApplication.of(Hello.class, Echo.class));
        try (ServiceManager manager = ServiceManager.create("greetings");
                HttpClient client = HttpClient.newHttpClient()) {
            var address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
            manager.add(ServiceSettings.of("web", service).listener("web").build());
            manager.start();
            manager.whenUp().join();

            String place = "127.0.0.1:" + address.getPort();
            System.out.println(ask(client, "http://" + place + "/hello?name=ann"));
            var heard = new Heard();
            WebSocket socket = client.newWebSocketBuilder().buildAsync(URI.create("ws://" + place + "/echo"), heard)
                    .join();
            socket.sendText("hi", true).join();
            System.out.println(heard.take());
            manager.reload("web").join();
            System.out.println("told on the reload: " + heard.take());
            System.out.println(ask(client, "http://" + place + "/hello?name=ben"));
        }
    }

    private static String ask(HttpClient client, String uri) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(URI.create(uri)).build(), BodyHandlers.ofString()).body();
    }
}
