package dev.sennit.examples.services;

import dev.sennit.images.ImageException;
import dev.sennit.images.Thumbnail;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.images.Thumbnails;
import dev.sennit.service.Service;
import dev.sennit.service.ServiceWorker;
import dev.sennit.shared.SharedQueue;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.TimeUnit;

/**
 * Makes three thumbnails of each photograph whose name is in the queue {@code photos}. A file that is no image is put
 * aside, with a line that says why.
 *
 * <p>The worker may be killed at any moment. It takes a file by a rename, which succeeds for one worker only, and makes
 * each thumbnail appear by a rename, so that nobody sees half of one. Until all three are there, the photograph stays
 * in the worker's own folder, from where it goes back if the worker dies; then all three are made again. A worker that
 * dies between a line and the rename after it leaves that line twice in the log.
 *
 * <p>A worker that shall stop ends the photograph that it has.
 */
public final class ThumbnailWorker implements Service {
    @Serial
    private static final long serialVersionUID = 1;

    /** How often a worker without work looks whether it shall stop. */
    private static final int LOOK_MILLIS = 200;

    @Override
    public void initialize(ServiceWorker me) throws IOException {
        PhotoFolders.make();
    }

    @Override
    public void run(ServiceWorker me) throws IOException, InterruptedException {
        SharedQueue<?> photos = me.value("photos", SharedQueue.class);
        var maker = new ThumbnailMaker(ThumbnailSettings.defaults()); // widths 200, 64 and 32
        try (var own = PhotoFolders.Own.make(me.id())) {
            while (!me.isStopping()) {
                Object name = photos.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                if (name != null && isTaken(PhotoFolders.INCOMING.resolve((String) name), own.folder)) {
                    make(maker, own.folder.resolve((String) name));
                    me.worked(1);
                }
            }
        }
    }

    /** Does nothing: {@link #run} looks by itself, and no interrupt shall end the writing of a file. */
    @Override
    public void terminate(ServiceWorker me) {}

    private static boolean isTaken(Path photo, Path folder) throws IOException {
        try {
            PhotoFolders.move(photo, folder);
            return true;
        } catch (NoSuchFileException e) {
            return false; // another worker has it
        }
    }

    private static void make(ThumbnailMaker maker, Path photo) throws IOException {
        try {
            Thumbnails made = maker.make(Files.readAllBytes(photo));
            for (Thumbnail one : made.all()) {
                Path part = photo.resolveSibling(".part");
                Files.write(part, one.bytes());
                Files.move(part, PhotoFolders.THUMBNAILS.resolve(photo.getFileName() + "_" + one.size() + ".jpg"),
                        StandardCopyOption.ATOMIC_MOVE);
            }
            System.out.println(photo.getFileName() + " has " + made.all().size() + " thumbnails");
            PhotoFolders.move(photo, PhotoFolders.DONE);
        } catch (ImageException e) {
            System.out.println(photo.getFileName() + " refused: " + e.getMessage());
            PhotoFolders.move(photo, PhotoFolders.REFUSED);
        }
    }
}
