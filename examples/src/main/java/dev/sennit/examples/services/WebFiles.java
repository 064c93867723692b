package dev.sennit.examples.services;

import dev.sennit.server.ServerSettings;
import dev.sennit.server.WebService;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;

/** Serves a folder over HTTP; a client asks for a page, then whether it has changed, then for a part of it. */
public final class WebFiles {
    private WebFiles() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("pages");
        Path page = Files.writeString(folder.resolve("index.html"), "<h1>Welcome</h1>");
        try (ServiceManager manager = ServiceManager.create("pages");
                HttpClient client = HttpClient.newHttpClient()) {
            var address = (InetSocketAddress) manager.listen("web", new InetSocketAddress("127.0.0.1", 0));
            WebService service = WebService.ofFiles(folder, ServerSettings.DEFAULTS);
            manager.add(ServiceSettings.of("web", service).listener("web").build());
            manager.start();
            manager.whenUp().join();

            URI root = URI.create("http://127.0.0.1:" + address.getPort() + "/");
            String tag = ask(client, HttpRequest.newBuilder(root)).headers().firstValue("ETag").orElseThrow();
            ask(client, HttpRequest.newBuilder(root).header("If-None-Match", tag));
            ask(client, HttpRequest.newBuilder(root).header("Range", "bytes=4-10"));
        } finally {
            Files.delete(page);
            Files.delete(folder);
        }
    }

    private static HttpResponse<String> ask(HttpClient client, HttpRequest.Builder request)
            throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
        System.out.println(response.statusCode() + " \"" + response.body() + "\"");
        return response;
    }
}
