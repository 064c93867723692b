package dev.sennit.examples.coroutines;

import com.sun.net.httpserver.HttpServer;
import dev.sennit.Futures;
import dev.sennit.TaskFuture;
import dev.sennit.loop.EventLoop;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/**
 * Code that calls over HTTP and waits for the answer, as it always did, in three coroutines of one loop. The server
 * answers nobody before all have asked: so they do wait at the same time.
 *
 * <p>Wants {@code --add-opens java.base/java.lang=ALL-UNNAMED}: by agreement alone, the first would hold the loop.
 */
public final class BlockingHttp {
    private BlockingHttp() {}

    private static HttpServer serve() throws Exception {
        var allHaveAsked = new CountDownLatch(3);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/weather/", exchange -> {
            allHaveAsked.countDown();
            try {
                allHaveAsked.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            String city = exchange.getRequestURI().getPath().substring("/weather/".length());
            byte[] answer = ("sun in " + city).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        return server;
    }

    /** Knows nothing of coroutines. */
    private static String weather(HttpClient client, int port, String city) throws Exception {
        URI uri = URI.create("http://localhost:" + port + "/weather/" + city);
        return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
    }

    public static void main(String[] arguments) throws Exception {
        HttpServer server = serve();
        try (HttpClient client = HttpClient.newHttpClient()) {
            List<String> answers = EventLoop.run(() -> {
                List<TaskFuture<String>> all = new ArrayList<>();
                for (String city : List.of("Rome", "Oslo", "Lima")) {
                    all.add(EventLoop.current().submit(() -> weather(client, server.getAddress().getPort(), city)));
                }
                return Futures.gather(all);
            });
            System.out.println(answers);
        } finally {
            server.stop(0);
        }
    }
}
