/**
 * Thumbnails: start with {@link dev.sennit.images.ThumbnailMaker}. Native codecs need
 * {@code --enable-native-access=dev.sennit.images}, and leptonica's jar on the class path; otherwise the JDK's codec is
 * used.
 */
module dev.sennit.images {
    requires transitive dev.sennit;
    requires java.desktop;
    requires java.net.http;
    requires java.xml;
    requires static org.jspecify;

    exports dev.sennit.images;
}
