package dev.sennit.examples.rest;

import dev.sennit.Futures;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.loop.EventLoop;
import dev.sennit.server.Routes;
import dev.sennit.server.WebResponse;
import dev.sennit.server.WebTestServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Asks a server for the prices of many goods, in five ways: one by one, by threads, by coroutines of one thread, by
 * futures over one pool of connections, and by one request whose answer is a stream. The server takes 10 ms for each,
 * as if it asked a database. At most 16 requests are under way at a time.
 *
 * <p>Arguments: how many goods; else 100.
 */
public final class HttpClients {
    private static final int AT_ONCE = 16;
    private static final Semaphore NEVER = new Semaphore(0);

    private final URI root;
    private final int goods;

    private HttpClients(URI root, int goods) {
        this.root = root;
        this.goods = goods;
    }

    private static Routes prices() {
        return Routes.create()
                .get("/prices/{good}", request -> WebResponse.text(price(request.parameter("good"))))
                .get("/prices", request -> {
                    int count = Integer.parseInt(request.query("count").orElseThrow());
                    return WebResponse.stream("text/plain", out -> {
                        // the server asks for many at a time, and sends what is there
                        try (Pool pool = Pools.open("virtual:" + AT_ONCE)) {
                            for (String price : (Iterable<String>) pool.map(HttpClients::price,
                                    names(count))::iterator) {
                                out.write((price + "\n").getBytes(StandardCharsets.UTF_8));
                            }
                        }
                    });
                });
    }

    private static List<String> names(int count) {
        return IntStream.range(0, count).mapToObj(Integer::toString).toList();
    }

    private static String price(String good) throws InterruptedException {
        NEVER.tryAcquire(10, TimeUnit.MILLISECONDS);
        return Integer.toString(Integer.parseInt(good) % 7 + 1);
    }

    private HttpRequest request(String path) {
        return HttpRequest.newBuilder(root.resolve(path)).build();
    }

    private static int number(HttpResponse<String> response) {
        if (response.statusCode() != 200) {
            throw new IllegalStateException("answered with " + response.statusCode());
        }
        return Integer.parseInt(response.body());
    }

    private int ask(HttpClient client, String good) throws IOException, InterruptedException {
        return number(client.send(request("/prices/" + good), BodyHandlers.ofString()));
    }

    private int oneByOne(HttpClient client) throws IOException, InterruptedException {
        int sum = 0;
        for (String good : names(goods)) {
            sum += ask(client, good);
        }
        return sum;
    }

    private int byThreads(HttpClient client) {
        try (Pool pool = Pools.open("threads:" + AT_ONCE)) {
            return pool.map(good -> ask(client, good), names(goods)).stream().mapToInt(each -> each).sum();
        }
    }

    /** Coroutines wait for answers without holding the thread; what they share needs no lock. */
    private int byCoroutines(HttpClient client) {
        return EventLoop.run(() -> {
            Semaphore places = new Semaphore(AT_ONCE);
            List<TaskFuture<Integer>> all = new ArrayList<>();
            for (String good : names(goods)) {
                all.add(EventLoop.current().submit(() -> {
                    places.acquire();
                    try {
                        return ask(client, good);
                    } finally {
                        places.release();
                    }
                }));
            }
            return Futures.gather(all).stream().mapToInt(each -> each).sum();
        });
    }

    private int byFutures(HttpClient client) throws InterruptedException {
        Semaphore places = new Semaphore(AT_ONCE);
        List<CompletableFuture<Integer>> all = new ArrayList<>();
        for (String good : names(goods)) {
            places.acquire();
            all.add(client.sendAsync(request("/prices/" + good), BodyHandlers.ofString())
                    .whenComplete((_, _) -> places.release())
                    .thenApply(HttpClients::number));
        }
        return all.stream().mapToInt(CompletableFuture::join).sum();
    }

    private int byStream(HttpClient client) throws IOException, InterruptedException {
        try (Stream<String> lines = client.send(request("/prices?count=" + goods), BodyHandlers.ofLines()).body()) {
            return lines.mapToInt(Integer::parseInt).sum();
        }
    }

    private void measure(String way, int requests, Callable<Integer> ask) throws Exception {
        long begun = System.nanoTime();
        int sum = ask.call();
        double seconds = (System.nanoTime() - begun) / 1e9;
        System.out.printf(Locale.ROOT, "%-12s %8d %8.2f %8.0f %6d%n", way, requests, seconds, goods / seconds, sum);
    }

    public static void main(String[] arguments) throws Exception {
        int goods = 100;
        try (WebTestServer server = WebTestServer.start(HttpClients::prices).failingOnClose();
                HttpClient client = HttpClient.newHttpClient()) {
            HttpClients clients = new HttpClients(server.uri("/"), goods);
            clients.byFutures(client); // so that all have their connections, and warm code
            System.out.println("way          requests  seconds  goods/s    sum");
            clients.measure("one by one", goods, () -> clients.oneByOne(client));
            clients.measure("threads", goods, () -> clients.byThreads(client));
            clients.measure("coroutines", goods, () -> clients.byCoroutines(client));
            clients.measure("futures", goods, () -> clients.byFutures(client));
            clients.measure("stream", 1, () -> clients.byStream(client));
        }
    }
}
