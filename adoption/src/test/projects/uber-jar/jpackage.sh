mkdir -p target/input && cp target/shop.jar target/input
jpackage --type app-image --name shop --input target/input --main-jar shop.jar --add-modules java.base --dest target/package
target/package/shop/bin/shop
