package dev.sennit.examples.services;

import dev.sennit.server.Routes;
import dev.sennit.server.ServerSettings;
import dev.sennit.server.WebApplication;
import dev.sennit.server.WebResponse;
import dev.sennit.server.WebService;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/** Serves greetings over HTTP from two workers, and reloads both while a client asks: no request fails. */
public final class WebGreetings {
    private static final WebApplication GREETINGS = () -> Routes.create()
            .get("/hello/{name}", request -> WebResponse.text("hello " + request.parameter("name")))
            .get("/pid", _ -> WebResponse.text(Long.toString(ProcessHandle.current().pid())));

    private WebGreetings() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        WebService service = WebService.of(GREETINGS, ServerSettings.DEFAULTS.on("virtual:16"));
        try (ServiceManager manager = ServiceManager.create("greetings");
                HttpClient client = HttpClient.newHttpClient()) {
            var address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
            manager.add(ServiceSettings.of("web", service).workers(2).listener("web").build());
            manager.start();
            manager.whenUp().join();

            URI root = URI.create("http://127.0.0.1:" + address.getPort());
            System.out.println(ask(client, root.resolve("/hello/ann")));
            CompletableFuture<Void> reload = manager.reload("web");
            Set<String> workers = new TreeSet<>();
            long answers = 0;
            while (!reload.isDone() || answers < 100) {
                workers.add(ask(client, root.resolve("/pid"))); // throws if it is not answered with 200
                answers++;
            }
            reload.join();
            System.out.println("all were answered: " + (answers >= 100) + ", by more than one process: "
                    + (workers.size() > 1));
        }
    }

    private static String ask(HttpClient client, URI uri) throws IOException, InterruptedException {
        var response = client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(uri + ": " + response.statusCode());
        }
        return response.body();
    }
}
