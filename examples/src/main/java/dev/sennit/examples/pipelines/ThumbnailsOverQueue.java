package dev.sennit.examples.pipelines;

import com.sun.net.httpserver.HttpServer;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.QueueClosedException;
import dev.sennit.images.ImageException;
import dev.sennit.images.Thumbnail;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedLong;
import dev.sennit.shared.SharedQueue;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import javax.imageio.ImageIO;

/**
 * Four threads download pictures and put them into a queue, from which processes, one a core, make thumbnails. The
 * queue can be joined: it knows when all pictures are done. Bytes are counted in shared memory, where threads and
 * processes lose none. A line of the log has the thread, the time, the level and a message.
 *
 * <p>{@code sennit thumbnails} does all this with a {@link dev.sennit.Pipeline}, which needs no queue; it is for those
 * who want to see one.
 */
public final class ThumbnailsOverQueue {
    private static final int PICTURES = 6;
    private static final int WAITING = 4;
    private static final long BYTES = 1 << 24;

    /** A downloaded picture. */
    record Picture(String name, byte[] bytes) implements Serializable {}

    private ThumbnailsOverQueue() {}

    private static void log(String message) {
        System.out.println(Thread.currentThread().getName() + " " + LocalTime.now().truncatedTo(ChronoUnit.MILLIS)
                + " INFO " + message);
    }

    /** A server with pictures, as a site in the web would be. */
    private static HttpServer serve(LongAdder served) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            var bytes = new ByteArrayOutputStream();
            ImageIO.write(new BufferedImage(400, 300, BufferedImage.TYPE_INT_RGB), "jpeg", bytes);
            served.add(bytes.size());
            exchange.sendResponseHeaders(200, bytes.size());
            bytes.writeTo(exchange.getResponseBody());
            exchange.close();
        });
        server.start();
        return server;
    }

    private static void download(HttpClient client, URI address, SharedQueue<Picture> pictures, SharedLong bytesIn)
            throws IOException, InterruptedException {
        byte[] bytes =
                client.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofByteArray()).body();
        bytesIn.addAndGet(bytes.length);
        log("downloaded " + address.getPath() + ", " + bytes.length + " bytes");
        pictures.put(new Picture(address.getPath(), bytes)); // waits while the processes have enough to do
    }

    private static void resize(SharedQueue<Picture> pictures, SharedLong bytesOut)
            throws InterruptedException, ImageException {
        var maker = new ThumbnailMaker(ThumbnailSettings.defaults()); // widths 200, 64 and 32
        try {
            while (true) {
                Picture picture = pictures.take();
                try {
                    for (Thumbnail one : maker.make(picture.bytes).all()) {
                        bytesOut.addAndGet(one.bytes().length);
                        log("made " + picture.name + " of " + one.width() + "x" + one.height());
                    }
                } finally {
                    pictures.taskDone();
                }
            }
        } catch (QueueClosedException e) {
            log("no more pictures");
        }
    }

    public static void main(String[] arguments) throws Exception {
        var served = new LongAdder();
        HttpServer server = serve(served);
        SharedQueue<Picture> pictures = SharedQueue.create(WAITING, BYTES);
        try (HttpClient client = HttpClient.newHttpClient();
                SharedLong bytesIn = SharedLong.create(0);
                SharedLong bytesOut = SharedLong.create(0)) {
            List<WorkerProcess> resizers = new ArrayList<>();
            for (int i = 1; i <= Runtime.getRuntime().availableProcessors(); i++) {
                resizers.add(WorkerProcess.builder()
                        .name("resizer-" + i)
                        .heap("64m")
                        .output(WorkerOutput.INHERIT)
                        .start(() -> resize(pictures, bytesOut)));
            }
            try (Pool downloads = Pools.open("threads:4?name=downloads")) {
                for (int i = 1; i <= PICTURES; i++) {
                    URI address = URI.create("http://localhost:" + server.getAddress().getPort() + "/" + i + ".jpg");
                    downloads.submit(() -> {
                        download(client, address, pictures, bytesIn);
                        return null;
                    });
                }
            } // all are downloaded
            pictures.join(); // and made
            pictures.shutdown();
            for (WorkerProcess resizer : resizers) {
                resizer.join();
            }
            System.out.println(
                    PICTURES + " pictures: " + served + " bytes served, " + bytesIn + " in, " + bytesOut + " out");
        } finally {
            server.stop(0);
        }
    }
}
