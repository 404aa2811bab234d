startDetail();
startMap();
startGallery();
startQuality();
