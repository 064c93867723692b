mkdir -p target/input && cp target/shop.jar target/input
jpackage --type app-image --name shop --input target/input --main-jar shop.jar --add-modules java.base --dest target/with-launcher \
  --jlink-options "--strip-debug --no-man-pages --no-header-files"
target/with-launcher/shop/bin/shop
