package dev.sennit.examples.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.server.WebTestServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The thumbnail service, with two servers on one folder as two workers have it. */
@Timeout(120)
class ThumbnailServiceIT {
    @TempDir
    private Path folder;

    private ThumbnailService first;
    private ThumbnailService second;

    @BeforeEach
    void make() {
        first = new ThumbnailService(folder, "threads:1");
        second = new ThumbnailService(folder, "threads:1");
    }

    @AutoClose
    private final HttpClient client = HttpClient.newHttpClient();

    private static byte[] photo() throws IOException {
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(400, 300, BufferedImage.TYPE_INT_RGB), "jpeg", bytes);
        return bytes.toByteArray();
    }

    private HttpResponse<byte[]> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofByteArray());
    }

    private HttpResponse<byte[]> post(WebTestServer server, String type, byte[] body)
            throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(server.uri("/photos")).header("Content-Type", type)
                .POST(BodyPublishers.ofByteArray(body)));
    }

    private HttpResponse<byte[]> get(WebTestServer server, String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(server.uri(path)));
    }

    private static String text(HttpResponse<byte[]> response) {
        return new String(response.body(), StandardCharsets.UTF_8);
    }

    /** Waits for the end of a job, and returns its result. */
    private HttpResponse<byte[]> result(WebTestServer server, String job) throws IOException, InterruptedException {
        HttpResponse<byte[]> result = get(server, job + "/result");
        while (result.statusCode() == 202) {
            Thread.onSpinWait();
            result = get(server, job + "/result");
        }
        return result;
    }

    private static byte[] form(byte[] photo) {
        var form = new ByteArrayOutputStream();
        for (String name : List.of("a", "b")) {
            form.writeBytes(("--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"../" + name
                    + "\"\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            form.writeBytes(name.equals("a") ? photo : "no photograph".getBytes(StandardCharsets.UTF_8));
            form.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
        }
        form.writeBytes("--XX--\r\n".getBytes(StandardCharsets.UTF_8));
        return form.toByteArray();
    }

    @AfterEach
    void close() {
        first.close();
        second.close();
    }

    @Test
    void photographsBecomeThumbnailsAndHostileFilesOneRefusalEach() throws Exception {
        try (WebTestServer one = WebTestServer.start(first).failingOnClose();
                WebTestServer other = WebTestServer.start(second).failingOnClose()) {
            HttpResponse<byte[]> taken = post(one, "image/jpeg", photo());
            assertThat(taken.statusCode()).isEqualTo(202);
            HttpResponse<byte[]> made = result(other, taken.headers().firstValue("Location").orElseThrow());
            assertThat(made.statusCode()).as(text(made)).isEqualTo(200);
            Matcher path = Pattern.compile("/thumbnails/[0-9a-f]{32}/64").matcher(text(made));
            assertThat(path.find()).isTrue();
            HttpResponse<byte[]> thumbnail = get(other, path.group());
            assertThat(ImageIO.read(new ByteArrayInputStream(thumbnail.body())).getWidth()).isEqualTo(64);
            String tag = thumbnail.headers().firstValue("ETag").orElseThrow();
            assertThat(send(HttpRequest.newBuilder(one.uri(path.group())).header("If-None-Match", tag)).statusCode())
                    .isEqualTo(304);

            HttpResponse<byte[]> several = post(one, "multipart/form-data; boundary=XX", form(photo()));
            assertThat(several.statusCode()).isEqualTo(202);
            List<String> jobs = Pattern.compile("/jobs/[^\"]+").matcher(text(several)).results()
                    .map(match -> match.group()).toList();
            assertThat(jobs).hasSize(2);
            assertThat(result(other, jobs.get(0)).statusCode()).isEqualTo(200);
            assertThat(result(other, jobs.get(1)).statusCode()).isEqualTo(422);

            byte[] half = Arrays.copyOf(photo(), photo().length / 2);
            for (byte[] hostile : List.of(half, "<html>".getBytes(StandardCharsets.UTF_8), new byte[] {-1, -40, -1})) {
                String job = post(one, "image/jpeg", hostile).headers().firstValue("Location").orElseThrow();
                assertThat(result(other, job).statusCode()).isEqualTo(422);
            }
            assertThat(post(one, "image/jpeg", new byte[0]).statusCode()).isEqualTo(400);
            for (String none : List.of("/thumbnails/..%2f..%2fetc/64", "/thumbnails/x/64", "/jobs/none")) {
                assertThat(get(one, none).statusCode()).isBetween(400, 404);
            }
        }
    }
}
