package dev.sennit.cli.services;

import dev.sennit.server.TlsSettings;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the table {@code tls} of a service: where its server has its certificates. The files are read later. */
final class TlsReader {
    private final Section keys;
    private final Path folder;

    /**
     * A reader of the certificates of one service.
     *
     * @param keys the table of the service
     * @param folder what paths are relative to
     */
    TlsReader(Section keys, Path folder) {
        this.keys = keys;
        this.folder = folder;
    }

    /** Reads all keys; null if there is no such table, or it was refused. */
    @Nullable TlsSettings read() {
        Section tls = keys.section("tls", "tls", "tls.");
        if (tls == null) {
            return null;
        }
        List<Path> certificates = files(tls, "certificate");
        List<Path> privateKeys = files(tls, "key");
        List<Path> stores = files(tls, "keystore");
        Path password = tls.text("password-file", this::path);
        Boolean http2 = tls.flag("http2", flag -> flag);
        tls.refuseOthers();
        if (certificates == null || privateKeys == null || stores == null
                || tls.has("password-file") && password == null) {
            return null; // was refused
        }
        try {
            return settings(certificates, privateKeys, stores, password).http2(!Boolean.FALSE.equals(http2));
        } catch (IllegalArgumentException e) {
            keys.refuse("tls", "tls " + e.getMessage());
            return null;
        }
    }

    /**
     * Returns the settings of these files.
     *
     * @throws IllegalArgumentException if something is missing; its message is behind the name of the table
     */
    static TlsSettings settings(
            List<Path> certificates, List<Path> privateKeys, List<Path> stores, @Nullable Path password) {
        if (certificates.size() != privateKeys.size()) {
            throw new IllegalArgumentException("must have a key for each certificate, has " + certificates.size()
                    + " certificates and " + privateKeys.size() + " keys");
        }
        if (!stores.isEmpty() && password == null) {
            throw new IllegalArgumentException("must have a password-file for its keystore");
        }
        @Nullable TlsSettings all = null;
        for (int i = 0; i < certificates.size(); i++) {
            TlsSettings one = password == null
                    ? TlsSettings.pem(certificates.get(i), privateKeys.get(i))
                    : TlsSettings.pem(certificates.get(i), privateKeys.get(i), password);
            all = all == null ? one : all.and(one);
        }
        for (Path store : stores) {
            if (password != null) {
                TlsSettings one = TlsSettings.pkcs12(store, password);
                all = all == null ? one : all.and(one);
            }
        }
        if (all == null) {
            throw new IllegalArgumentException("must have certificate and key, or keystore and password-file");
        }
        return all;
    }

    /** A file, or a list of them; null if that was refused. */
    private @Nullable List<Path> files(Section tls, String key) {
        if (!tls.has(key)) {
            tls.text(key); // so that it is known
            return List.of();
        }
        if (!tls.isText(key)) {
            return tls.eachText(key, this::path);
        }
        Path one = tls.text(key, this::path);
        return one == null ? null : List.of(one);
    }

    private Path path(String text) {
        return ServicesFileReader.resolved(folder, text);
    }
}
