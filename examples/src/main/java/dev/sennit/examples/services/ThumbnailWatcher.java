package dev.sennit.examples.services;

import dev.sennit.service.Service;
import dev.sennit.service.ServiceWorker;
import dev.sennit.shared.SharedQueue;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Watches the folder {@code incoming}, and puts the names of its files into the queue {@code photos}.
 *
 * <p>The queue is a hint: what counts is the folder. A worker that dies may take a name along, so all files that are
 * still there are offered again once the queue is empty; of two workers that have the same name, one gets the file.
 */
public final class ThumbnailWatcher implements Service {
    @Serial
    private static final long serialVersionUID = 1;

    private static final Duration SCAN = Duration.ofMillis(300);

    /** What a file looked like. While somebody copies into it, that changes. */
    private record Look(long size, FileTime time) {}

    @Override
    public void initialize(ServiceWorker me) throws IOException {
        PhotoFolders.make();
    }

    @Override
    public void run(ServiceWorker me) throws IOException, InterruptedException {
        @SuppressWarnings("unchecked") // it carries names only
        SharedQueue<String> photos = me.value("photos", SharedQueue.class);
        Map<String, Look> before = Map.of();
        Set<String> offered = new HashSet<>();
        while (!me.awaitStop(SCAN)) {
            PhotoFolders.giveBack();
            Map<String, Look> now = look();
            if (photos.isEmpty()) {
                offered.clear();
            }
            offered.retainAll(now.keySet());
            for (Map.Entry<String, Look> file : now.entrySet()) {
                boolean standsStill = file.getValue().equals(before.get(file.getKey()));
                if (standsStill && !offered.contains(file.getKey()) && photos.offer(file.getKey())) {
                    offered.add(file.getKey());
                }
            }
            before = now;
        }
    }

    private static Map<String, Look> look() throws IOException {
        Map<String, Look> files = new HashMap<>();
        for (Path file : PhotoFolders.photosIn(PhotoFolders.INCOMING)) {
            try {
                var attributes = Files.readAttributes(file, BasicFileAttributes.class);
                files.put(file.getFileName().toString(), new Look(attributes.size(), attributes.lastModifiedTime()));
            } catch (NoSuchFileException e) {
                // a worker has taken it meanwhile
            }
        }
        return files;
    }
}
