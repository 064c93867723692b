package dev.sennit.examples.rest;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskProgress;
import dev.sennit.server.ETag;
import dev.sennit.server.ResourceVersion;
import dev.sennit.server.Routes;
import dev.sennit.server.WebRequest;
import dev.sennit.server.WebResponse;
import dev.sennit.server.WebTestServer;
import dev.sennit.server.rest.Conditional;
import dev.sennit.server.rest.EventStreams;
import dev.sennit.server.rest.Jobs;
import dev.sennit.server.rest.Topic;
import java.io.Closeable;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Orders over REST: a client that would overwrite what it has not seen is refused, another one hears of each change as
 * it happens, and the invoice is a job that goes on after its request.
 */
public final class OrderEvents {
    private final Map<String, String> orders = new ConcurrentHashMap<>();
    private final Topic changes = Topic.inProcess(100);

    private OrderEvents() {}

    private static String body(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private Routes routes(Jobs<String, String> invoices) {
        return invoices.addTo(Routes.create(), "/invoices")
                .get("/orders/{id}", Conditional.of(this::order))
                .on("PUT", "/orders/{id}", Conditional.of(request -> {
                    String id = request.parameter("id");
                    orders.put(id, body(request.bytes()));
                    request.afterResponse(() -> changes.publish("changed", id)); // the client need not wait for that
                    return WebResponse.of(204);
                })
                        .version(request -> Optional.ofNullable(orders.get(request.parameter("id")))
                                .map(order -> ResourceVersion.of(ETag.of(order.getBytes(StandardCharsets.UTF_8)))))
                        .demandingMatch())
                .get("/changes", EventStreams.of(changes));
    }

    private WebResponse order(WebRequest request) {
        String order = orders.get(request.parameter("id"));
        return order == null ? WebResponse.of(404) : WebResponse.text(order);
    }

    private static String invoice(String order) {
        for (int line = 1; line <= 3; line++) {
            TaskProgress.report(line, 3, "writing");
        }
        return "invoice for " + order;
    }

    private static HttpRequest.Builder to(WebTestServer server, String path) {
        return HttpRequest.newBuilder(server.uri(path));
    }

    private static String state(HttpClient client, WebTestServer server, String job)
            throws IOException, InterruptedException {
        return client.send(to(server, job).build(), BodyHandlers.ofString()).body();
    }

    public static void main(String[] arguments) throws Exception {
        OrderEvents shop = new OrderEvents();
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:2");
                Jobs<String, String> invoices =
                        Jobs.over(pool, OrderEvents::invoice, (_, bytes) -> body(bytes), WebResponse::text);
                WebTestServer server = WebTestServer.start(() -> shop.routes(invoices)).failingOnClose();
                HttpClient client = HttpClient.newHttpClient();
                Closeable _ = client::shutdownNow) { // else it would be closed when the stream of events has ended
            Stream<String> stream = client.send(to(server, "/changes").build(), BodyHandlers.ofLines()).body();
            HttpRequest.Builder put = to(server, "/orders/7").PUT(BodyPublishers.ofString("tea"));
            System.out.println("unseen: " + client.send(put.build(), BodyHandlers.discarding()).statusCode());
            System.out.println("new: " + client.send(put.header("If-None-Match", "*").build(),
                    BodyHandlers.discarding()).statusCode());
            String tag = client.send(to(server, "/orders/7").build(), BodyHandlers.discarding()).headers()
                    .firstValue("ETag").orElseThrow();
            System.out.println("not modified: " + client.send(to(server, "/orders/7").header("If-None-Match", tag)
                    .build(), BodyHandlers.discarding()).statusCode());
            try (stream) {
                System.out.println("the stream: " + stream.filter(line -> line.startsWith("data:"))
                        .findFirst().orElseThrow());
            }

            String job = client.send(to(server, "/invoices").POST(BodyPublishers.ofString("order 7")).build(),
                    BodyHandlers.discarding()).headers().firstValue("Location").orElseThrow();
            while (!state(client, server, job).contains("SUCCEEDED")) {
                Thread.onSpinWait();
            }
            System.out.println(client.send(to(server, job + "/result").build(), BodyHandlers.ofString()).body());
        }
    }
}
